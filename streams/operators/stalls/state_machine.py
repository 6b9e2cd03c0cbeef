"""The watch over one entity: what state it is in, since when, and what speaks for that.

It wraps the detector in what a detector cannot know: that the appeal has not begun, that nobody arrives, that a feed is
silent, that the appeal's own time is over, or that the whole appeal stands still and not this influencer alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import exp
from typing import Any, Final, NamedTuple

from schemas.campaign import Campaign, StallRules
from schemas.stalls import State
from streams.operators.stalls.detector import Detector

TRAFFIC_KEEP: Final = exp(-1 / 60)  # traffic is a mean that forgets, over about an hour
GAPS: Final = 20  # the usual gap is a mean over about so many: some hours of a night, minutes of a busy day
TWO_DAYS: Final = 48 * 60  # minutes


class Minute(NamedTuple):
    """A closed minute of an entity, named by its end (epoch seconds)."""

    end: int
    exposures: int
    donations: int


@dataclass
class Watch:
    """State of one entity; times are ends of minutes, epoch seconds, 0 for never.

    `busy` counts minutes with exposures before the first donation; `traffic` is the mean of exposures a minute over
    about the last hour; `back` counts donations since a stall began.  `held` is whether the whole appeal stood still
    at the last minute.  `in_tail`: the detector is the tail's own.  `hush` counts the minutes without exposures since
    the last one (since the start before it, holes left out), `gap` is how long they usually last, a mean over `gaps`.
    """

    detector: Detector | None = None
    state: State = "not_started"
    since: int = 0
    minute: int = 0
    last_exposure: int = 0
    last_donation: int = 0
    exposures_since: int = 0
    donations: int = 0
    busy: int = 0
    traffic: float = 0.0
    back: int = 0
    amber: bool = False
    held: bool = False
    in_tail: bool = False
    hush: int = 0
    gap: float = 0.0
    gaps: int = 0
    silent: tuple[str, ...] = ()
    unheard: tuple[str, ...] = ()

    def numbers(self) -> dict[str, Any]:
        """Everything, as JSON can hold it; `restore` gives the same watch to the last bit."""
        return asdict(self)

    @classmethod
    def restore(cls, numbers: dict[str, Any]) -> Watch:
        """
        Raises:
            TypeError: these are no numbers of a watch.
        """
        detector = numbers["detector"]
        return cls(
            **{
                **numbers,
                "detector": None if detector is None else Detector(**detector),
                "silent": tuple(numbers["silent"]),
                "unheard": tuple(numbers["unheard"]),
            }
        )


def step(
    watch: Watch,
    campaign: Campaign,
    minute: Minute,
    *,
    silent: Sequence[str] = (),
    unheard: Sequence[str] = (),
    above: Watch | None = None,
) -> bool:
    """Take in one closed minute; whether the state is another one now.

    Args:
        silent: feeds that should have sent a heartbeat by now; with any the minute is a hole and counts for nothing.
        unheard: topics for which no feed has ever sent a heartbeat.
        above: for an influencer the campaign's watch, already at this minute.
    """
    watch.minute = minute.end
    watch.silent, watch.unheard = tuple(silent), tuple(unheard)
    if not silent:
        _count(watch, minute)
        _judge(watch, campaign, minute, above)
    state = _state(watch, campaign, above)
    if state == watch.state and watch.since:
        return False
    watch.state, watch.since = state, minute.end
    return True


def patience(watch: Watch, rules: StallRules) -> float:
    """Minutes without an exposure that are news: `quiet`, and more where gaps are long anyway.

    Gaps are taken as exponential, their mean known no better than `steadiness` says, so that a healthy two days hold
    `amber` gaps that are longer.  With `quiet` alone simulated nights of appeals with 5,400 / 2,700 / 1,350 clicks
    were called 0.13 / 1.9 / 8.4 times; so they are called 0.02 / 0.00 / 0.25 times.
    """
    if not watch.gaps:
        return rules.quiet
    wished = min(1.0, rules.amber * max(watch.gap, 1.0) / TWO_DAYS)
    longest: float = rules.steadiness * watch.gap * (wished ** (-1 / rules.steadiness) - 1)
    return max(rules.quiet, longest)


def accept(watch: Watch, campaign: Campaign) -> None:
    """An operator says: what is now is the new normal."""
    if watch.detector is not None:
        watch.detector.accept(campaign.stall)
        watch.amber = False
        watch.back = 0


def _count(watch: Watch, minute: Minute) -> None:
    watch.traffic = watch.traffic * TRAFFIC_KEEP + minute.exposures * (1 - TRAFFIC_KEEP)
    if minute.exposures:
        watch.last_exposure = minute.end
        watch.busy += watch.donations == 0
    watch.donations += minute.donations
    if minute.donations:
        watch.last_donation, watch.exposures_since = minute.end, 0
    else:
        watch.exposures_since += minute.exposures


def _judge(watch: Watch, campaign: Campaign, minute: Minute, above: Watch | None) -> None:
    """Step the detector, if there is one by now."""
    watch.amber = False
    if minute.end <= campaign.start.timestamp():
        return  # what happens before the start is rehearsal: it must teach nothing
    _listen(watch, minute)
    if minute.end > campaign.end.timestamp() and not watch.in_tail:
        _begin_tail(watch, campaign)
    if above is not None and _is_held(watch, above):
        return
    if watch.detector is None:
        watch.detector = _first_detector(watch, campaign, above)
        if watch.detector is None or above is not None:
            return  # an influencer is watched from the minute after
    verdict = watch.detector.step(
        campaign.stall, minute.exposures, minute.donations, None if above is None else above.detector
    )
    watch.amber = verdict == "amber"
    watch.back = watch.back + minute.donations if watch.detector.open and verdict is None else 0


def _listen(watch: Watch, minute: Minute) -> None:
    if not minute.exposures:
        watch.hush += 1
        return
    watch.gaps = min(watch.gaps + 1, GAPS)
    watch.gap += (watch.hush + 1 - watch.gap) / watch.gaps
    watch.hush = 0


def _is_held(watch: Watch, above: Watch) -> bool:
    """While the whole appeal stands still, an influencer's silence is no news, and afterwards it never was."""
    was_held, watch.held = watch.held, above.detector is None or above.detector.open
    if was_held and not watch.held and watch.detector is not None:
        watch.detector.forgive()
    return watch.held


def _first_detector(watch: Watch, campaign: Campaign, above: Watch | None) -> Detector | None:
    rules = campaign.stall
    if above is None:
        return Detector.with_prior(campaign.prior_conversion, rules.prior_weight)
    if above.detector is None or watch.donations < rules.influencer_donations:
        return None
    return Detector.with_prior(above.detector.rate, rules.influencer_weight)


def _begin_tail(watch: Watch, campaign: Campaign) -> None:
    """The tail has its own expectation: the appeal's rate, but known as little as a prior."""
    watch.in_tail = True
    if watch.detector is not None:
        due = watch.detector.due
        watch.detector = Detector.with_prior(watch.detector.rate, campaign.stall.prior_weight)
        watch.detector.due = due


def _state(watch: Watch, campaign: Campaign, above: Watch | None) -> State:
    rules = campaign.stall
    detector = watch.detector
    if watch.minute <= campaign.start.timestamp():
        return "not_started"
    if watch.minute > campaign.end.timestamp():
        return "tail"  # feeds end when the appeal does: the sentence tells, nobody is called
    if watch.silent:
        return "feed_down"
    if detector is None or (watch.donations == 0 and watch.busy < rules.quiet):
        return "not_started"
    if watch.hush >= patience(watch, rules):
        return "no_traffic"
    if above is not None and (watch.held or above.amber):
        return "ok"  # the whole appeal may be about to be called stalled: one incident, not thirty
    if detector.open:
        # A stall begins while people arrive; a gap that is usual at this hour does not end it.
        return "stalled" if watch.hush < rules.quiet or watch.state == "stalled" else "slow"
    return "slow" if watch.amber else "ok"
