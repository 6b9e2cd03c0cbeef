"""The stall detector's record over many simulated appeals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from statistics import median
from typing import NamedTuple

from schemas.campaign import Campaign
from streams.operators.stalls.state_machine import Minute, Watch, step
from streams.simulation.appeal import MINUTES, Click, Size, simulate


class Outcome(NamedTuple):
    """Of one appeal: the minute of the first red before a stop (or in an appeal without one), that of the first red
    after it, and how many clicks came from the stop to that red."""

    false_red: int | None
    found: int | None
    clicks_lost: int | None


class Record(NamedTuple):
    """Of many appeals; rates are parts of `appeals`, the median is over the appeals whose stop was found."""

    appeals: int
    donations: float
    clicks: float
    with_false_red: int
    found: int
    median_clicks: float | None
    median_minutes: float | None


def trial(
    campaign: Campaign,
    *,
    appeals: int,
    seed: int,
    size: Size,
    stop: int | None,
    progress: Callable[[int], None] = lambda done: None,
) -> Record:
    """Judge many simulated appeals.

    Args:
        campaign: its rules and its prior; times count from its start.
        stop: the minute after the start from which on no donation arrives; None: healthy appeals.
        progress: told how many appeals are done.
    """
    outcomes = []
    donations = clicks = 0
    for number in range(appeals):
        appeal = simulate(Random(f"{seed}/{number}"), size)
        clicks += len(appeal)
        donations += sum(click.gives is not None and click.gives < MINUTES for click in appeal)
        outcomes.append(judge(campaign, appeal, stop))
        progress(number + 1)
    found = [outcome for outcome in outcomes if outcome.found is not None]
    return Record(
        appeals=appeals,
        donations=donations / appeals,
        clicks=clicks / appeals,
        with_false_red=sum(outcome.false_red is not None for outcome in outcomes),
        found=len(found),
        median_clicks=median(outcome.clicks_lost or 0 for outcome in found) if found else None,
        median_minutes=median((outcome.found or 0) - (stop or 0) for outcome in found) if found else None,
    )


def judge(campaign: Campaign, appeal: list[Click], stop: int | None) -> Outcome:
    """Step a watch over one appeal, its donations cut off from the minute `stop` on."""
    false_red = found = None
    since_stop = 0
    watch = Watch()
    for number, minute in enumerate(minutes_of(campaign, appeal, stop)):
        step(watch, campaign, minute)
        stopped = stop is not None and number >= stop
        since_stop += minute.exposures if stopped else 0
        if watch.state == "stalled" and stopped:
            found = number
            break
        if watch.state == "stalled" and false_red is None:
            false_red = number
    return Outcome(false_red, found, since_stop if found is not None else None)


def minutes_of(campaign: Campaign, appeal: list[Click], stop: int | None) -> Iterator[Minute]:
    """Closed minutes from the campaign's start on."""
    clicks = Counter(click.minute for click in appeal)
    gifts = Counter(click.gives for click in appeal if click.gives is not None)
    start = int(campaign.start.timestamp())
    for number in range(MINUTES):
        donations = 0 if stop is not None and number >= stop else gifts[number]
        yield Minute(start + 60 * (number + 1), clicks[number], donations)
