"""A producer that behaves badly: duplicates, shuffles, late events, shares after their clicks, and poison.

It knows how many distinct good events it has sent, by topic: what must be in the store in the end, apart from every
other count.  `python -m tests.chaos.feed` sends until it is told to stop and then writes that number.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from schemas.times import rfc3339
from streams.producers.outgoing import Outgoing
from streams.producers.sender import Sender
from streams.settings import Settings

CAMPAIGN: Final = "chaos"
INFLUENCERS: Final = 30
REFERRALS: Final = 400
SHUFFLED: Final = 200  # so many events are on their way in any order
REMEMBERED: Final = 2000  # a duplicate is one of so many
LATE_SECONDS: Final = 900
LATENESS_SECONDS: Final = 10  # what the campaign allows
OLD_SECONDS: Final = 6  # an event that is old, and on time
PROMPT_MS: Final = 500  # delays below that are not noted one by one
PULSE_SECONDS: Final = 0.05
POISON: Final = (b"", b"{", b"[]", b'{"event_id": 1}', b"\xff\xfe\x00", b"[" * 5000, b'{"campaign_id": "nobody"}')


class Delays:
    """How long records were under way, from their record time until all replicas had them: the longest of each second
    of a topic's partition.  Told by the producer's thread."""

    def __init__(self, noted: Iterable[tuple[str, int, int, int]] = ()) -> None:
        self._longest = {(topic, partition, second): ms for topic, partition, second, ms in noted}

    def note(self, record: Outgoing, now_ms: int, stored: Any) -> None:
        """A record is acknowledged; `stored` says where."""
        ms, key = now_ms - record.record_time_ms, (record.topic, stored.partition, record.record_time_ms // 1000)
        if ms > max(PROMPT_MS, self._longest.get(key, 0)):
            self._longest[key] = ms

    def of(self, topic: str, partition: int, second: int) -> float:
        """Seconds, of the records of that second of record time."""
        return self._longest.get((topic, partition, second), PROMPT_MS) / 1000

    def noted(self) -> list[tuple[str, int, int, int]]:
        return [(*key, ms) for key, ms in self._longest.items()]


class Feed:
    """Events of one campaign, drawn from a seed; ids are new in every run."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._waiting: list[Outgoing] = []
        self._sent: list[Outgoing] = []
        self._shared: set[str] = set()
        self.good: Counter[str] = Counter()

    def next(self, now_ms: int) -> list[Outgoing]:
        """The next record, and with it perhaps a duplicate or poison."""
        self._waiting.append(self._new(now_ms))
        if len(self._waiting) < SHUFFLED:
            return []
        place = self._dice.randrange(len(self._waiting))
        self._waiting[place], self._waiting[-1] = self._waiting[-1], self._waiting[place]
        record = self._waiting.pop()
        self._remember(record)
        return [record, *self._trouble(now_ms)]

    def rest(self) -> list[Outgoing]:
        """What was still on its way."""
        rest, self._waiting = self._waiting, []
        return rest

    def _remember(self, record: Outgoing) -> None:
        if len(self._sent) < REMEMBERED:
            self._sent.append(record)
        else:
            self._sent[self._dice.randrange(REMEMBERED)] = record

    def _trouble(self, now_ms: int) -> list[Outgoing]:
        chance = self._dice.random()
        if chance < 0.01:
            again = self._dice.choice(self._sent)
            return [again._replace(record_time_ms=now_ms)]
        if chance < 0.012:
            topic = self._dice.choice(("shares", "clicks", "impressions", "donations"))
            return [Outgoing(topic, None, b"r-1", self._dice.choice(POISON), now_ms)]
        return []

    def _new(self, now_ms: int) -> Outgoing:
        dice = self._dice
        number = min(int(dice.paretovariate(0.7)), REFERRALS) - 1
        referral = f"r-{number}"
        chance = dice.random()
        if referral not in self._shared and chance < 0.2:
            self._shared.add(referral)
            topic, fields = "shares", self._share(number)
        elif chance < 0.72:
            topic, fields = "impressions", {"count": dice.randint(1, 50), "basis": "sampled"}
        elif chance < 0.97:
            topic, fields = "clicks", {"visitor_id": f"v-{dice.randrange(5000)}"}
        else:
            topic, fields = "donations", self._donation()
        age = dice.random()
        late_ms = dice.randrange(LATE_SECONDS * 1000) if age < 0.05 else 0
        if age > 0.9:
            late_ms = dice.randrange(OLD_SECONDS * 1000)
        self.good[topic] += 1
        return self._record(topic, referral, now_ms, now_ms - late_ms, fields)

    def _record(self, topic: str, referral: str, now_ms: int, at_ms: int, fields: dict[str, Any]) -> Outgoing:
        envelope = {
            "event_id": str(uuid.UUID(int=self._dice.getrandbits(128), version=4)),
            "campaign_id": CAMPAIGN,
            "referral_id": referral,
            "occurred_at": rfc3339(at_ms),
            "schema_version": 1,
        }
        return Outgoing(topic, None, referral.encode(), json.dumps({**envelope, **fields}).encode(), now_ms)

    def _share(self, number: int) -> dict[str, Any]:
        return {
            "influencer_id": f"i-{number % INFLUENCERS}",
            "channel": ("twitter", "facebook", "blog")[number % 3],
            "kind": "original",
            "audience": 1000,
            "tie": ("strong", "weak", "unknown")[number % 3],
        }

    def _donation(self) -> dict[str, Any]:
        cents = self._dice.randint(100, 20_000)
        return {
            "donation_id": f"d-{self._dice.getrandbits(64):x}",
            "kind": "donation",
            "amount": f"{cents // 100}.{cents % 100:02}",
            "currency": "USD",
            "donor_id": f"p-{self._dice.randrange(3000)}",
            "tie": "unknown",
        }


def main() -> int:
    """Send so many events a second until SIGTERM; then write how many good ones there were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="events a second")
    parser.add_argument("--seconds", type=float, required=True, help="at most; it stops by itself")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    settings = Settings.from_environment(os.environ)
    # Numbers drawn anew for ids: two runs of one seed must not be duplicates of each other.
    feed, delays = Feed(options.seed * 1_000_003 + int(time.time())), Delays()

    def send(record: Outgoing) -> None:
        sender.send(record)
        # The sender looks at the oldest record alone, and that later; this is told when the answer comes.
        sender._waiting[-1][2].add_callback(lambda stored: delays.note(record, int(time.time() * 1000), stored))

    begun = time.monotonic()
    made = sent = 0
    with Sender(settings.brokers, settings.prefix) as sender:
        while not stopping and time.monotonic() - begun < options.seconds:
            due = (time.monotonic() - begun) * options.rate
            while made < due:
                made += 1
                for record in feed.next(int(time.time() * 1000)):
                    send(record)
                    sent += 1
            time.sleep(PULSE_SECONDS)
        for record in feed.rest():
            send(record)
            sent += 1
    options.out.write_text(json.dumps({"sent": sent, "good": dict(feed.good), "delays": delays.noted()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
