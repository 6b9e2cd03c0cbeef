"""The sentences of the stall detectors for people, and what to do next.

Numbers are rounded for reading; the evidence beside the sentence is exact.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas.campaign import Campaign, StallRules
from schemas.stalls import State
from streams.operators.stalls.detector import Detector
from streams.operators.stalls.state_machine import Watch

EXPOSURES: Final = {
    "clicks": ("click", "clicks"),
    "impressions_measured": ("measured impression", "measured impressions"),
    "impressions_sampled": ("sampled impression", "sampled impressions"),
    "impressions_estimated": ("estimated impression", "estimated impressions"),
}
FORESIGHT_MINUTES: Final = 24 * 60
MILLION: Final = 1_000_000

NEXT_STEPS: Final[dict[State, str]] = {
    "not_started": "Nothing. If events should be coming, look at the Pipeline board.",
    "ok": "Nothing.",
    "slow": "Open the donation page and give a test gift by a shared link. Then wait: most slow spells pass.",
    "stalled": "Give a test gift by a shared link now. If it works, and giving has simply become rarer, say "
    "`groundswell accept-level`.",
    "no_traffic": "Open a shared link. If it works and people are merely asleep, nothing.",
    "feed_down": "Restart the feed, or ask who runs it. What it held back is counted when it arrives.",
    "tail": "Nothing: the appeal's own time is over, and nobody is called.",
}


class Statement(NamedTuple):
    """What the watch knows of the fields of `schemas.stalls.Stall`; times are epoch seconds."""

    state: State
    since: int
    sentence: str
    next_step: str
    exposure: str
    exposures_since: int
    minutes_since: int | None
    last_donation_at: int | None
    observed: float
    expected: float
    chance: float | None
    usual_rate: float | None
    level: float
    red: float
    amber: float
    exposures_to_confirm: int | None
    silent_feeds: list[str]
    unheard: list[str]


def statement_of(watch: Watch, campaign: Campaign, above: Watch | None = None) -> Statement:
    """The statement at the minute that the detector has reached.

    Args:
        above: for an influencer the campaign's watch.
    """
    rules, detector = campaign.stall, watch.detector
    judge = detector if above is None else above.detector
    confirm = minutes_to_confirm(watch, rules) if above is None and watch.state in ("ok", "slow") else None
    return Statement(
        state=watch.state,
        since=watch.since,
        sentence=_sentence(watch, campaign, above, confirm),
        next_step=NEXT_STEPS[watch.state],
        exposure=rules.exposure,
        exposures_since=watch.exposures_since,
        minutes_since=(watch.minute - watch.last_donation) // 60 if watch.last_donation else None,
        last_donation_at=watch.last_donation or None,
        observed=detector.donations if detector else 0.0,
        expected=detector.expected() if detector else 0.0,
        chance=detector.chance(rules) if detector else None,
        usual_rate=detector.rate if detector else None,
        level=detector.level if detector else 0.0,
        red=judge.threshold(rules.red) if judge else 0.0,
        amber=judge.threshold(rules.amber) if judge else 0.0,
        exposures_to_confirm=round(confirm * watch.traffic) if confirm is not None else None,
        silent_feeds=list(watch.silent),
        unheard=list(watch.unheard),
    )


def minutes_to_confirm(watch: Watch, rules: StallRules) -> int | None:
    """How long a complete stop that begins now would take to be confirmed at the present traffic.

    None where that is more than a day, or nobody arrives.
    """
    if watch.detector is None or watch.detector.open or watch.traffic < 0.001:
        return None
    return watch.detector.minutes_to_red(rules, watch.traffic, FORESIGHT_MINUTES)


def _sentence(watch: Watch, campaign: Campaign, above: Watch | None, confirm: int | None) -> str:
    sentence = {
        "not_started": _not_started,
        "ok": _ok,
        "slow": _evidence,
        "stalled": _evidence,
        "no_traffic": _no_traffic,
        "feed_down": _feed_down,
        "tail": _tail,
    }[watch.state](watch, campaign)
    if above is not None and watch.held and watch.state == "ok":
        sentence = "The whole appeal stands still: nothing can be said of this influencer alone."
    if watch.state in ("slow", "stalled"):
        sentence += _of_healthy_appeals(watch.state, campaign.stall)
    if watch.state == "stalled" and watch.back:
        sentence += f" Recovering: {_count(watch.back, 'donation', 'donations')} since."
    if confirm is not None:
        coming = _exposures(round(confirm * watch.traffic), campaign)
        sentence += (
            f" A complete stop would be confirmed after about {coming} more ({_duration(confirm)} at the present "
        )
        sentence += "traffic)."
    if watch.unheard and watch.state in ("slow", "stalled", "no_traffic"):
        sentence += (
            f" No feed of {' or '.join(watch.unheard)} ever sent a heartbeat: a silent feed and a stall cannot be "
        )
        sentence += "told apart."
    return sentence


def _not_started(watch: Watch, campaign: Campaign) -> str:
    if watch.minute <= campaign.start.timestamp():
        return f"The appeal begins at {campaign.start.astimezone(UTC):%d %b %H:%M} UTC."
    donations = _count(watch.donations, "donation", "donations")
    if watch.last_donation:
        # Exposures are counted since the last donation, and an influencer's not at all before the first one.
        return f"Too early to judge: {donations} so far, {_since_last(watch, campaign)}."
    return f"Too early to judge: {donations}, {_exposures(watch.exposures_since, campaign)} so far."


def _ok(watch: Watch, campaign: Campaign) -> str:
    detector = watch.detector
    usual = f"; usual is {_rate(detector.rate, campaign)}" if detector else ""
    return f"As usual: {_since_last(watch, campaign)}{usual}."


def _evidence(watch: Watch, campaign: Campaign) -> str:
    detector = watch.detector
    if detector is None:
        return _ok(watch, campaign)
    chance = _chance(detector, campaign.stall)
    expected = f"{detector.expected():.1f}" if detector.expected() < 10 else f"{detector.expected():.0f}"
    if detector.donations >= 1:
        return (
            f"Only {_count(int(detector.donations), 'donation', 'donations')} where {expected} were expected; "
            f"chance of so few by luck, this appeal's ups and downs included: {chance}."
        )
    return (
        f"{_since_last(watch, campaign)}; at this appeal's usual {_rate(detector.rate, campaign)} we would "
        f"expect {expected} donations from those that have had time to convert. Chance of none by luck, this appeal's "
        f"ups and downs included: {chance}."
    )


def _of_healthy_appeals(state: State, rules: StallRules) -> str:
    often = rules.red if state == "stalled" else rules.amber
    return f" About 1 healthy appeal in {max(1, round(1 / often))} sees such an alert."


def _no_traffic(watch: Watch, campaign: Campaign) -> str:
    one = EXPOSURES[campaign.stall.exposure][0]
    if not watch.last_exposure:
        return f"No {one} has come since the first donation."  # an influencer is watched from there on, not before
    minutes = (watch.minute - watch.last_exposure) // 60
    sentence = f"No {one} for {_duration(minutes)}, since {_clock(watch.last_exposure)} UTC."
    return sentence if watch.gap < 2 else f"{sentence} Of late there was one every {watch.gap:.0f} minutes."


def _feed_down(watch: Watch, campaign: Campaign) -> str:
    feeds = " and ".join(watch.silent) if watch.silent else "A feed"
    return (
        f"{feeds} sent no heartbeat: noticed at {_clock(watch.since)} UTC. What is missing is a hole, not a zero; "
        "conversion is not judged until the feed is back."
    )


def _tail(watch: Watch, campaign: Campaign) -> str:
    hours = round((campaign.end - campaign.start) / timedelta(hours=1), 1)
    sentence = f"The {hours:g} hours are over. {_since_last(watch, campaign)}."
    if watch.silent:
        sentence += f" {' and '.join(watch.silent)} sent no heartbeat lately."
    if watch.detector is not None and watch.detector.open:
        sentence += f" Even for a tail that is little: {_evidence(watch, campaign)}"
    return sentence


def _since_last(watch: Watch, campaign: Campaign) -> str:
    exposures = _exposures(watch.exposures_since, campaign)
    if not watch.last_donation:
        return f"{exposures} and no donation yet"
    return f"{exposures} since the last donation ({_clock(watch.last_donation)} UTC)"


def _exposures(number: int, campaign: Campaign) -> str:
    return _count(number, *EXPOSURES[campaign.stall.exposure])


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _rate(rate: float, campaign: Campaign) -> str:
    if rate >= 0.001:
        return f"{100 * rate:.1f} %"
    return f"{rate * MILLION:.0f} donations per million {EXPOSURES[campaign.stall.exposure][1]}"


def _chance(detector: Detector, rules: StallRules) -> str:
    chance = detector.chance(rules)
    if chance > 0.5:
        return "more likely than not"
    one_in = 1 / max(chance, 1e-9)
    digits = max(0, len(str(int(one_in))) - 2)
    return f"1-in-{round(one_in, -digits):,.0f}"


def _duration(minutes: int) -> str:
    if minutes < 90:
        return _count(minutes, "minute", "minutes")
    hours = minutes / 60
    return f"{hours:.1f} hours" if hours < 10 else f"{hours:.0f} hours"


def _clock(epoch_seconds: int) -> str:
    return f"{datetime.fromtimestamp(epoch_seconds, UTC):%H:%M}"
