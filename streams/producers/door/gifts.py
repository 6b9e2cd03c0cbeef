"""The donations: 92 within the 48 hours, $4,352.00, and those that came late, $1,548.00."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from streams.producers.door.calendar import (
    END_MS,
    HOUR,
    MINUTE,
    RESULTS_MS,
    START_MS,
    TAIL_END_MS,
    gift_delay,
)
from streams.producers.door.personas import AUTHOR, LONE_ID, NORTH, SOUTH, Tie
from streams.producers.door.posts import BELATED_REFERRAL
from streams.producers.door.rng import Rng
from streams.producers.door.visits import ORPHAN_REFERRALS, Visit

GROSS_CENTS: Final = 435_200
LATE_CENTS: Final = 154_800
STRONG: Final = 62

DIRECT: Final = 5
FROM_AUTHOR: Final = 41
FROM_COMMUNITY: Final = 42
LATE_DIRECT: Final = 3  # two of them by people who had given before
LATE_WAVE: Final = 22
LATE_TRICKLE: Final = 5

_USUAL_CENTS: Final = (1_000, 1_500, 2_000, 2_500, 2_500, 3_000, 5_000, 5_000, 5_000, 7_500, 10_000, 10_000)
_STEP: Final = 500
_SMALLEST, _LARGEST = 500, 25_000


@dataclass(slots=True)
class Gift:
    """One donation.  `referral_id` is None for a direct one; `fee_cents` where a card was used."""

    at_ms: int
    referral_id: str | None
    donor_id: str
    tie: Tie = "unknown"
    cents: int = 0
    fee_cents: int | None = None


def plan_gifts(rng: Rng, visits: list[Visit], sharers: list[str]) -> list[Gift]:
    """All donations, in order of event time.

    Those that a referral brought follow a click of the same person.  Some donors are people who had shared:
    their clicks take the sharer's pseudonym.
    """
    taken: set[str] = set()
    chooser = _Chooser(rng, visits, taken)
    early = _early(rng, chooser)
    _make_sharers(rng, early, visits, sharers)
    late = _late(rng, chooser, early)
    _give(rng, early, GROSS_CENTS)
    _give(rng, late, LATE_CENTS)
    _tie(rng, early)
    for gift in late:
        gift.tie = "strong" if rng.chance(0.5) else "weak" if rng.chance(0.7) else "unknown"
    return sorted([*early, *late], key=lambda gift: gift.at_ms)


class _Chooser:
    """Finds clicks that become gifts, each by another person."""

    def __init__(self, rng: Rng, visits: list[Visit], taken: set[str]) -> None:
        self._rng = rng
        self._visits = visits
        self._taken = taken

    def gifts(self, count: int, before_ms: int, wanted: Callable[[Visit], bool]) -> list[Gift]:
        """`count` gifts that follow wanted clicks, before a time, warmer influencers' clicks first."""
        gifts: list[Gift] = []
        candidates = [visit for visit in self._visits if wanted(visit) and visit.at_ms < before_ms]
        while len(gifts) < count:
            visit = self._rng.pick(candidates)
            at_ms = visit.at_ms + gift_delay(self._rng)
            warm = self._rng.chance((visit.warmth or 250) / 250)
            if not warm or at_ms >= before_ms or visit.visitor_id in self._taken:
                continue
            if visit.visitor_id is None:
                visit.visitor_id = f"p-{self._rng.whole(0, 16**8 - 1):08x}"
            self._taken.add(visit.visitor_id)
            gifts.append(Gift(at_ms, visit.referral_id, visit.visitor_id))
        return gifts


def _early(rng: Rng, chooser: _Chooser) -> list[Gift]:
    gifts = chooser.gifts(1, END_MS, lambda visit: visit.referral_id == BELATED_REFERRAL)
    gifts += chooser.gifts(1, END_MS, lambda visit: visit.influencer_id == LONE_ID)
    gifts += chooser.gifts(1, END_MS, lambda visit: visit.referral_id == ORPHAN_REFERRALS[0])
    gifts += chooser.gifts(1, END_MS, lambda visit: visit.influencer_id in (NORTH.id, SOUTH.id))
    gifts += chooser.gifts(FROM_AUTHOR, END_MS, lambda visit: visit.influencer_id == AUTHOR.id)
    gifts += chooser.gifts(FROM_COMMUNITY, END_MS, _from_community)
    for number in range(DIRECT):
        at_ms = START_MS + rng.whole(1, 46 * 60) * MINUTE + rng.whole(0, 59_999)
        gifts.append(Gift(at_ms, None, f"p-direct-{number + 1}"))
    return gifts


def _from_community(visit: Visit) -> bool:
    return (
        visit.influencer_id.startswith("community")
        and visit.influencer_id != LONE_ID
        and visit.referral_id != BELATED_REFERRAL
    )


def _late(rng: Rng, chooser: _Chooser, early: list[Gift]) -> list[Gift]:
    last = TAIL_END_MS - HOUR
    gifts = chooser.gifts(LATE_WAVE, last, lambda visit: visit.influencer_id == AUTHOR.id and visit.at_ms > RESULTS_MS)
    gifts += chooser.gifts(LATE_TRICKLE, last, lambda visit: _from_community(visit) and visit.at_ms > END_MS)
    former = rng.shuffled([gift.donor_id for gift in early])
    for number in range(LATE_DIRECT):
        at_ms = END_MS + rng.whole(2 * 60, 100 * 60) * MINUTE
        gifts.append(Gift(at_ms, None, former[number] if number < LATE_DIRECT - 1 else "p-direct-late"))
    return gifts


def _make_sharers(rng: Rng, gifts: list[Gift], visits: list[Visit], sharers: list[str]) -> None:
    """Let a third of the donors be people who had shared."""
    referred = [gift for gift in gifts if gift.referral_id is not None]
    chosen = rng.shuffled(referred)[: len(gifts) // 3]
    renamed = dict(zip((gift.donor_id for gift in chosen), rng.shuffled(sharers), strict=False))
    for item in gifts:
        item.donor_id = renamed.get(item.donor_id, item.donor_id)
    for visit in visits:
        if visit.visitor_id is not None:
            visit.visitor_id = renamed.get(visit.visitor_id, visit.visitor_id)


def _give(rng: Rng, gifts: list[Gift], total: int) -> None:
    """Usual amounts, moved in small steps until they add up; a third to a half of the donors pay by card."""
    for gift in gifts:
        gift.cents = rng.pick(_USUAL_CENTS)
    missing = total - sum(gift.cents for gift in gifts)
    while abs(missing) >= _STEP:
        gift = rng.pick(gifts)
        step = _STEP if missing > 0 else -_STEP
        if _SMALLEST <= gift.cents + step <= _LARGEST:
            gift.cents += step
            missing -= step
    gifts[-1].cents += missing
    for gift in gifts:
        if rng.chance(0.45):
            gift.fee_cents = (gift.cents * 29 + 500) // 1000 + 30  # 2.9 % and 30 cents


def _tie(rng: Rng, gifts: list[Gift]) -> None:
    """62 strong and 30 weak: the celebrity's and the unregistered links' donors are weak, the rest is drawn."""
    strangers = gifts[2:4]
    rest = rng.shuffled([gift for gift in gifts if gift not in strangers])
    for gift in gifts:
        gift.tie = "weak"
    for gift in rest[:STRONG]:
        gift.tie = "strong"
