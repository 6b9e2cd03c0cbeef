"""Probes: marked clicks among all others, and how long until a query as the read-only user counts each.

One probe referral and influencer a partition, in turn.  All clicks of a referral are in one log, so they come in the
order in which they were sent: the k-th is there once a query counts k.  What is measured runs from the record time
(the moment of sending, in the record) to the answer of the first query that counts it, so it includes that query.

  raw      table clicks, different event ids by referral
  windows  view current_conversions, clicks of the probe influencers over all windows of an hour
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import msgspec
from kafka import KafkaProducer

from schemas.events import Click, Event, Share
from schemas.partitioning import partition_of
from schemas.times import rfc3339
from schemas.topics import CLICKS, SHARES
from streams.clickhouse.client import connect
from streams.settings import Settings
from tests.benchmarks.fill import CAMPAIGN

LOOK_SECONDS: Final = 0.02
RAW: Final = (
    "SELECT referral_id, uniqExact(event_id) FROM clicks "
    "WHERE campaign_id = '{campaign}' AND referral_id IN ({names}) GROUP BY referral_id"
)
WINDOWS: Final = (
    "SELECT member, sum(clicks) FROM current_conversions WHERE campaign_id = '{campaign}' "
    "AND dimension = 'influencer' AND window = '1h' AND member IN ({names}) GROUP BY member"
)


class Sighting(NamedTuple):
    """One probe: when it was sent (epoch seconds), and seconds until a query saw it; None: none did."""

    sent_at: float
    raw: float | None
    windows: float | None


class Probe:
    """Sends and looks inside `with`, several times a second, in threads of its own."""

    def __init__(self, settings: Settings, reader_store: str, rate: float) -> None:
        self._settings = settings
        self._store = reader_store
        self._pause = 1 / rate
        self._lanes = names_by_partition(settings.partitions)
        self._sent: dict[str, list[float]] = defaultdict(list)
        self._seen: dict[str, dict[str, list[float]]] = {"raw": defaultdict(list), "windows": defaultdict(list)}
        self._sending, self._looking = threading.Event(), threading.Event()
        self._failures: list[Exception] = []
        self._threads = [threading.Thread(target=self._guarded, args=(one,)) for one in (self._send, *self._watches())]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sending.set()
        self._looking.set()
        for thread in self._threads:
            thread.join(60)

    def stop_sending(self) -> None:
        """Send no more; what was sent is still looked for."""
        self._sending.set()
        self._threads[0].join(60)

    def check(self) -> None:
        """Raise what ended a thread."""
        if self._failures:
            raise self._failures[0]

    @property
    def good(self) -> Counter[str]:
        """How many events were sent, by topic."""
        return Counter({CLICKS: sum(map(len, self._sent.values())), SHARES: len(self._lanes)})

    @property
    def sightings(self) -> list[Sighting]:
        """All probes in the order of sending."""
        found = []
        for lane in self._lanes:
            columns = (self._seen[what][lane] for what in ("raw", "windows"))
            for sent, *seen in itertools.zip_longest(self._sent[lane], *columns):
                found.append(Sighting(sent, *(at and at - sent for at in seen)))
        return sorted(found)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # told to the main thread
            self._failures.append(error)

    def _send(self) -> None:
        producer = KafkaProducer(bootstrap_servers=self._settings.brokers, acks="all")
        try:
            for lane, partition in self._lanes.items():
                envelope = (str(uuid.uuid4()), CAMPAIGN, lane, rfc3339(int(time.time() * 1000)), 1)
                self._write(producer, SHARES, Share(*envelope, lane, "blog", "original", 1, "strong"), partition)
            for lane, partition in itertools.cycle(self._lanes.items()):
                now = time.time()
                event = Click(str(uuid.uuid4()), CAMPAIGN, lane, rfc3339(int(now * 1000)), 1, "visitor-probe")
                self._write(producer, CLICKS, event, partition)
                self._sent[lane].append(now)
                if self._sending.wait(self._pause):
                    return
        finally:
            producer.close(timeout=10)

    def _write(self, producer: Any, topic: str, event: Event, partition: int) -> None:
        key = (event.referral_id or "").encode()
        place, value = self._settings.topic(topic), msgspec.json.encode(event)
        producer.send(place, value, key, partition=partition, timestamp_ms=int(time.time() * 1000)).get(60)

    def _watches(self) -> Sequence[Callable[[], None]]:
        return [lambda: self._watch(RAW, "raw"), lambda: self._watch(WINDOWS, "windows")]

    def _watch(self, question: str, what: str) -> None:
        client = connect(self._store)
        sql = question.format(campaign=CAMPAIGN, names=", ".join(f"'{lane}'" for lane in self._lanes))
        while not self._looking.wait(LOOK_SECONDS):
            counted = dict(client.query(sql).result_rows)
            now = time.time()
            for lane, number in counted.items():
                seen = self._seen[what][lane]
                seen += [now] * (int(number) - len(seen))


def names_by_partition(partitions: int) -> dict[str, int]:
    """One referral for each partition, and the partition that its events go to."""
    lanes: dict[int, str] = {}
    for number in itertools.count():
        name = f"probe-{number}"
        lanes.setdefault(partition_of(name.encode(), partitions), name)
        if len(lanes) == partitions:
            return {name: partition for partition, name in sorted(lanes.items())}
    raise AssertionError("count ends never")
