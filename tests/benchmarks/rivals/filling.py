"""What is in a log: events of Groundswell's own contracts, drawn from one seed.

2 % shares, 70 % impressions, 26 % clicks, 2 % donations; Zipf over influencers and over referrals; 1 % duplicates,
5 % late, and one referral in ten has its first share after some of its events.  All of it in 48 hours of event time.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final
from uuid import UUID

from schemas.events import Click, Donation, Event, Impression, Share
from schemas.times import rfc3339
from schemas.topics import CLICKS, DONATIONS, IMPRESSIONS, SHARES
from tests.benchmarks.fill import CAMPAIGN, MIX, SPAN_MS, START_MS

Sent = tuple[str, Event, int]
"""Topic, event, record time in epoch milliseconds."""

DUPLICATES: Final = 0.01
LATE: Final = 0.05
LATE_MS: Final = (360_000, 18_000_000)  # past the allowed lateness of five minutes, up to five hours
AFTERWARDS: Final = 0.10  # first shares that come after events of their referral
REPEATED: Final = 0.20  # shares that are another one of the same referral, by the same influencer
DUPLICATE_AFTER: Final = (1, 50, 2_000, 30_000)  # events between an event and its copy, fewer in a short log
DRAWN_AT_ONCE: Final = 10_000


@dataclass(frozen=True)
class Shape:
    """One log: its name (a prefix of topics), how many events, of how many influencers and referrals."""

    name: str
    events: int
    influencers: int = 10_000
    referrals: int = 100_000
    seed: int = 1

    @property
    def prefix(self) -> str:
        """Of the log's topics."""
        return f"{self.name}-"


class Zipf:
    """Numbers from 0, the first one the most frequent: the n-th is drawn as often as 1 / n says."""

    def __init__(self, dice: random.Random, number: int) -> None:
        self._dice = dice
        self._numbers = range(number)
        self._weights = list(accumulate(1 / (place + 1) for place in range(number)))
        self._drawn: list[int] = []

    def draw(self) -> int:
        if not self._drawn:
            self._drawn = self._dice.choices(self._numbers, cum_weights=self._weights, k=DRAWN_AT_ONCE)
        return self._drawn.pop()


def events(shape: Shape) -> Iterator[Sent]:
    """The log's records by record time, `shape.events` of them, copies included."""
    dice = random.Random(shape.seed)
    copies: list[tuple[int, int, Sent]] = []
    sent = 0
    for fresh in _different(shape, dice):
        while copies and copies[0][0] <= sent and sent < shape.events:
            _, _, (topic, event, _) = heapq.heappop(copies)
            yield topic, event, fresh[2]
            sent += 1
        if sent >= shape.events:
            return
        yield fresh
        sent += 1
        if dice.random() < DUPLICATES:
            after = min(dice.choice(DUPLICATE_AFTER), shape.events // 20)
            heapq.heappush(copies, (sent + after, sent, fresh))


def _different(shape: Shape, dice: random.Random) -> Iterator[Sent]:
    """Events without copies, by record time."""
    owners, referrals = Zipf(dice, shape.influencers), Zipf(dice, shape.referrals)
    influencers = [owners.draw() for _ in range(shape.referrals)]
    shares = _shares(shape, dice, influencers)
    share = next(shares, None)
    others = [topic for topic, weight in MIX for _ in range(weight) if topic != SHARES]
    number = shape.events - _share_number(shape)
    for index in range(number):
        record_ms = START_MS + SPAN_MS * index // number
        while share is not None and share[2] <= record_ms:
            yield share
            share = next(shares, None)
        late = dice.randrange(*LATE_MS) if dice.random() < LATE else dice.randrange(3_000)
        topic = dice.choice(others)
        yield topic, _other(dice, topic, referrals.draw(), record_ms - late), record_ms


def _shares(shape: Shape, dice: random.Random, influencers: list[int]) -> Iterator[Sent]:
    """Most referrals are shared as the appeal begins or soon after, the most frequent ones for sure."""
    number = _share_number(shape)
    first = max(1, min(shape.referrals, round(number * (1 - REPEATED))))
    planned = []
    for referral in range(first):
        afterwards = dice.random() < AFTERWARDS
        planned.append((START_MS + (dice.randrange(SPAN_MS // 4) if afterwards else 0), referral))
    for _ in range(number - first):
        planned.append((START_MS + dice.randrange(SPAN_MS // 4, SPAN_MS), dice.randrange(first)))
    for record_ms, referral in sorted(planned):
        yield SHARES, _share(dice, referral, influencers[referral], record_ms), record_ms


def _share_number(shape: Shape) -> int:
    return shape.events * dict(MIX)[SHARES] // 100


def _share(dice: random.Random, referral: int, influencer: int, occurred_ms: int) -> Share:
    channel, tie = dice.choice(("twitter", "facebook", "blog", "email")), dice.choice(("strong", "weak", "unknown"))
    audience = dice.randrange(600_000)
    owner = f"influencer-{influencer}"
    return Share(*_envelope(dice, referral, occurred_ms), owner, channel, "original", audience, tie)  # type: ignore[arg-type]


def _other(dice: random.Random, topic: str, referral: int, occurred_ms: int) -> Event:
    envelope = _envelope(dice, referral, occurred_ms)
    if topic == IMPRESSIONS:
        return Impression(*envelope, dice.choice((1, 1, 2, 5, 40)), dice.choice(("measured", "sampled", "estimated")))  # type: ignore[arg-type]
    if topic == CLICKS:
        return Click(*envelope, f"visitor-{dice.getrandbits(64):016x}")
    assert topic == DONATIONS
    amount = f"{dice.choice((5, 10, 20, 25, 50, 100))}.{dice.choice((0, 0, 0, 50)):02d}"
    return Donation(*envelope, f"gift-{dice.getrandbits(64):016x}", "donation", amount, "USD", "weak")


def _envelope(dice: random.Random, referral: int, occurred_ms: int) -> tuple[str, str, str, str, int]:
    event_id = str(UUID(int=dice.getrandbits(128), version=4))
    return event_id, CAMPAIGN, f"referral-{referral}", rfc3339(occurred_ms), 1
