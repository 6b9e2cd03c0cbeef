"""What the pipeline claims to be complete WHILE things break, written down every second and judged afterwards.

    wall clock   no result is complete, and no window final, before it has come to an end
    landed       a window that is final, or ends before `complete_up_to`, holds every event of it that was on time

An event is on time where its record was acknowledged by Kafka before its event time was out of the allowed lateness, by
the machine's own clock: how late a record is, the record says; how long it was under way, the producer has noted
(`Delays`).  What is late may come afterwards, and does.  Watermarks are read before the rows that they vouch for.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.chaos.feed import CAMPAIGN, LATENESS_SECONDS, Delays
from tests.chaos.world import Query

EVERY_SECONDS: Final = 1.0
MARGIN_SECONDS: Final = 2  # a position is looked at and said within this
CLOCK_MARGIN: Final = 1.0
SHOWN: Final = 5  # of each kind of trouble
TOPICS: Final = ("shares", "clicks", "impressions", "donations")
WINDOW: Final = "5m"
SIZE: Final = 300
SLIDE: Final = 60
LOOKED_BACK: Final = 1800

Figures = tuple[int, ...]  # one for each of TOPICS
NOTHING: Final[Figures] = (0,) * len(TOPICS)

COMPLETE: Final = f"""
SELECT toUnixTimestamp64Milli(assumeNotNull(complete_up_to)) / 1000 FROM complete_up_to
WHERE campaign_id = '{CAMPAIGN}' AND complete_up_to IS NOT NULL
"""
WINDOWS: Final = f"""
SELECT toUnixTimestamp(window_end), final, shares, clicks, impressions_sampled, donations FROM conversions FINAL
WHERE campaign_id = '{CAMPAIGN}' AND dimension = 'campaign' AND window = '{WINDOW}'
    AND window_end > now('UTC') - {LOOKED_BACK}
"""
ON_TIME: Final = """
SELECT source_partition, intDiv(toUnixTimestamp64Milli(record_time), 1000) AS sent,
    intDiv(toUnixTimestamp64Milli(occurred_at), 60000) * 60 AS minute,
    intDiv(toUnixTimestamp64Milli(record_time) - toUnixTimestamp64Milli(occurred_at) + 999, 1000) AS lag, {counted}
FROM {topic} FINAL WHERE lag <= {allowed} GROUP BY source_partition, sent, minute, lag
"""


class Sample(NamedTuple):
    """One look. Times are seconds of the machine's clock; `complete` is None while nothing is.

    `windows`: whether it is final, and its figures, by its end.
    """

    at: float
    complete: float | None
    windows: Mapping[int, tuple[bool, Figures]]


@dataclass
class Claims:
    """What was claimed of each window, and when; of every claim the first."""

    begun: float
    samples: int = 0
    complete: dict[int, list[tuple[float, Figures]]] = field(default_factory=lambda: defaultdict(list))
    ahead: list[str] = field(default_factory=list)

    def note(self, sample: Sample) -> None:
        self.samples += 1
        if sample.complete is not None and sample.complete > sample.at + CLOCK_MARGIN:
            self.ahead.append(f"at {_clock(sample.at)} all was complete up to {_clock(sample.complete)}")
        for end, (final, figures) in sorted(sample.windows.items()):
            if final and end > sample.at + CLOCK_MARGIN:
                self.ahead.append(f"at {_clock(sample.at)} the window of {_clock(end)} was final")
            if final or (sample.complete is not None and end <= sample.complete):
                self._claim(end, sample.at, figures)
        for end in self._without_a_row(sample):
            self._claim(end, sample.at, NOTHING)

    def _without_a_row(self, sample: Sample) -> Iterable[int]:
        if sample.complete is None:
            return ()
        last = int(min(sample.complete, sample.at))
        first = int(max(self.begun, sample.at - LOOKED_BACK + SIZE)) // SLIDE * SLIDE + SLIDE
        return (end for end in range(first, last + 1, SLIDE) if end not in sample.windows)

    def _claim(self, end: int, at: float, figures: Figures) -> None:
        claimed = self.complete[end]
        if not claimed or claimed[-1][1] != figures:
            claimed.append((at, figures))


def judge(claims: Claims, on_time: Mapping[int, Figures]) -> list[str]:
    """What was claimed and was not so, in sentences.

    Args:
        on_time: what surely belongs into each minute, by its begin in seconds: figures of `TOPICS`.
    """
    short = []
    for end, claimed in sorted(claims.complete.items()):
        minutes = [on_time.get(minute, NOTHING) for minute in range(end - SIZE, end, SLIDE)]
        due = tuple(map(sum, zip(*minutes, strict=True)))
        for at, figures in claimed:
            lacking = [
                f"{had} of {needed} {topic}"
                for topic, had, needed in zip(TOPICS, figures, due, strict=True)
                if had < needed
            ]
            if lacking:
                short.append(f"at {_clock(at)} the window of {_clock(end)} was complete with {', '.join(lacking)}")
                break
    return [*_shown("completeness ahead of the clock", claims.ahead), *_shown("completeness ahead of events", short)]


def _shown(title: str, found: list[str]) -> list[str]:
    more = [f"{title}: {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return [*(f"{title}: {line}" for line in found[:SHOWN]), *more]


def on_time(query: Query, delays: Delays) -> dict[int, Figures]:
    """Which landed events came, by record and producer, in time: figures by minute."""
    found: dict[int, list[int]] = defaultdict(lambda: [0] * len(TOPICS))
    allowed = LATENESS_SECONDS - MARGIN_SECONDS
    for place, topic in enumerate(TOPICS):
        counted = "sum(count)" if topic == "impressions" else "count()"
        for partition, sent, minute, lag, number in query(
            ON_TIME.format(topic=topic, counted=counted, allowed=allowed)
        ):
            if lag + delays.of(topic, partition, sent) <= allowed:
                found[minute][place] += number
    return {minute: tuple(figures) for minute, figures in found.items()}


class Sampler:
    """Looks every second, on a thread of its own, while the store answers.

    Args:
        connect: makes a query function; straight to the store, so that no fault of the proxy makes it blind.
    """

    def __init__(self, connect: Callable[[], Query]) -> None:
        self.claims = Claims(time.time())
        self.unanswered: Counter[str] = Counter()
        self._connect = connect
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(60)

    def __str__(self) -> str:
        blind = f", unanswered {dict(self.unanswered)}" if self.unanswered else ""
        return f"{self.claims.samples} samples of completeness, {len(self.claims.complete)} windows{blind}"

    def judge(self, query: Query, delays: Delays) -> list[str]:
        """What was claimed and was not so, once all has landed."""
        if not self.claims.samples:
            return [f"completeness was not sampled: unanswered {dict(self.unanswered)}"]
        return judge(self.claims, on_time(query, delays))

    def _run(self) -> None:
        query: Query | None = None
        took = 0.0
        # A look that takes long (thousands of parts, a busy machine) must not become the load itself.
        while not self._over.wait(max(EVERY_SECONDS, 4 * took)):
            begun = time.monotonic()
            try:
                query = query or self._connect()
                self.claims.note(look(query))
            except Exception:
                query = None
            took = time.monotonic() - begun


def look(query: Query) -> Sample:
    """One look: the watermark first, then the rows that it vouches for.

    Raises:
        Away: the store does not answer.
    """
    at = time.time()
    complete = query(COMPLETE)
    windows = {int(end): (bool(final), tuple(map(int, figures))) for end, final, *figures in query(WINDOWS)}
    return Sample(at, float(complete[0][0]) if complete else None, windows)


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(seconds))
