"""The stall detectors of a partition: which minute for whom, once; and the same history through every restart."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_conversion import progress
from wiring import START, START_MS, campaign_of

from schemas import stalls
from schemas.slices import COUNTS, SLICES_SCHEMA, Acceptance, Slice, SliceRecord
from schemas.stalls import Stall
from schemas.times import parse_ms
from streams.kafka.stall_records import is_whole
from streams.operators.stalls.scheduler import DetectorScheduler
from streams.operators.windowing.state import Conversion
from streams.operators.windowing.windower import Windower

CAMPAIGN = campaign_of("door", "USD")
HORIZON = 14 * 86_400
MINUTE_MS = 60_000
COMPUTED_AT = "2026-03-12T18:00:00.000Z"
FEED = "donations/stripe@"


def said(
    dimension: str, member: str, minute: int, *, clicks: int = 0, donations: int = 0, version: int = 1, source: int = 0
) -> Slice:
    counts = [{"clicks": clicks, "donations": donations}.get(name, 0) for name in COUNTS]
    end = START_MS // 1000 + minute * 60
    return Slice(SLICES_SCHEMA, "door", dimension, member, end, source, "a", version, counts, {})


def complete(minute: int, version: int, **more: object) -> SliceRecord:
    """Everything up to that minute is there, the allowed lateness included."""
    known = progress(0, version, 0, True)
    on_time = START_MS + minute * MINUTE_MS + CAMPAIGN.allowed_lateness * 1000
    return msgspec.structs.replace(known, complete=on_time, **more)


class Worker:
    """One worker over a log of `slices`; `table` is what everybody said, by entity and minute."""

    def __init__(self, log: list[SliceRecord], table: list[Stall], campaign=CAMPAIGN) -> None:
        self.windower = Windower({"door": campaign}, 1)
        self.scheduler = DetectorScheduler({"door": campaign}, 1, HORIZON)
        self.log, self.table = log, table
        self.unsaid: list[Stall] = []
        self.state, self.detectors = Conversion(0), self.scheduler.begin()
        self.scheduler.resume(self.detectors, [stalls.decode(stalls.encode(stall)) for stall in table])

    def read(self, upto: int) -> None:
        for record in self.log[self.state.position : upto]:
            self.scheduler.note(self.detectors, self.state, record, self.windower.apply(self.state, record))
            self.state.position += 1

    def step(self, limit: int = 10**9) -> bool:
        return self.scheduler.step(self.detectors, self.state, limit, "a", COMPUTED_AT)

    def take_records(self, first: int = 10**9) -> None:
        """Say what there is; so many records of it before the worker is killed, or paused: then the rest is next."""
        found = [*self.unsaid, *self.scheduler.take_records(self.detectors, self.state.position, "a", COMPUTED_AT)]
        self.table += found[:first]
        self.unsaid = found[first:]

    def all(self) -> list[Stall]:
        self.read(len(self.log))
        while not self.step():
            pass
        self.take_records()
        return self.table


def history(table: list[Stall]) -> list[tuple[str, str, str]]:
    return sorted({(stall.member, stall.minute, stall.state) for stall in table if stall.changed})


def newest(table: list[Stall], member: str) -> Stall:
    return max((stall for stall in table if stall.member == member), key=lambda stall: stall.minute)


def minutes_after_start(stall: Stall) -> int:
    return (parse_ms(stall.minute) - START_MS) // MINUTE_MS


def appeal(minutes: int, dice: Random, gone: range = range(0)) -> list[SliceRecord]:
    """Minutes of two influencers and their campaign; in those of `gone` nobody gives."""
    log: list[SliceRecord] = []
    late: list[SliceRecord] = []
    for minute in range(1, minutes + 1):
        clicks = donations = 0
        for member, chance in (("ann", 0.3), ("bob", 0.1)):
            mine = dice.randint(0, 20)
            given = 0 if minute in gone else int(dice.random() < chance)
            record = said("influencer", member, minute, clicks=mine, donations=given)
            # One in ten comes after its minute was closed.
            late.append(record) if dice.random() < 0.1 else log.append(record)
            clicks, donations = clicks + mine, donations + given
        log.append(said("campaign", "door", minute, clicks=clicks, donations=donations))
        if minute % 5 == 0:
            log.append(complete(minute, minute))
        if minute % 17 == 0:
            log += late
            late.clear()
    return [*log, *late, complete(minutes + 5, minutes + 5)]


def test_every_minute_is_stepped_once_and_empty_ones_too() -> None:
    log = [said("campaign", "door", 3, clicks=7, donations=1), complete(100, 1), complete(90, 2), complete(120, 3)]
    worker = Worker(log, [])
    table = worker.all()
    own = worker.detectors.appeals["door"].own
    assert own is not None
    assert (own.watch.last_exposure, own.watch.donations) == (START_MS // 1000 + 180, 1)
    # From the start on the detector is stepped, a day earlier the watch begins.
    assert own.watch.detector is not None
    assert own.watch.minute == START_MS // 1000 + 120 * 60
    assert minutes_after_start(min(table, key=lambda stall: stall.minute)) == -24 * 60 + 1


def test_nothing_is_stepped_before_it_is_known_to_be_complete() -> None:
    log = [said("campaign", "door", 3, clicks=7), progress(0, 1, START_MS * 2, True)]
    assert Worker(log, []).all() == []


def test_a_donation_that_came_late_counts_when_it_comes() -> None:
    log = [said("campaign", "door", 3, clicks=7), complete(10, 1)]
    worker = Worker(log, [])
    worker.all()
    log += [said("campaign", "door", 4, donations=2), complete(11, 2)]
    worker.all()
    own = worker.detectors.appeals["door"].own
    assert own is not None
    assert own.watch.donations == 2
    assert own.watch.last_donation == START_MS // 1000 + 11 * 60


def test_a_minute_in_a_hole_is_not_stepped_and_what_comes_for_it_later_does_not_count() -> None:
    beat = {FEED: START_MS + 10 * MINUTE_MS}
    log: list[SliceRecord] = [complete(10, 1, feeds=beat)]
    log += [said("campaign", "door", minute, clicks=50) for minute in range(11, 60)]
    log += [complete(60, 2, feeds=beat)]
    worker = Worker(log, [])
    down = newest(worker.all(), "door")
    assert (down.state, down.silent_feeds) == ("feed_down", ["donations/stripe"])
    back = {FEED: START_MS + 70 * MINUTE_MS}
    silence = {FEED: [(START_MS + 10 * MINUTE_MS, START_MS + 65 * MINUTE_MS)]}
    log += [said("campaign", "door", 30, clicks=50, donations=9, version=2), said("campaign", "door", 66, clicks=1)]
    log += [complete(70, 3, feeds=back, silences=silence)]
    table = worker.all()
    own = worker.detectors.appeals["door"].own
    assert own is not None
    assert (own.watch.exposures_since, own.watch.donations) == (1, 0)
    assert newest(table, "door").state != "feed_down"


def test_the_level_is_accepted_once_and_from_its_minute_on() -> None:
    log = appeal(900, Random(3), gone=range(300, 900))
    log.insert(len(log) - 1, Acceptance(SLICES_SCHEMA, "door", "campaign", "door", START_MS // 1000 + 800 * 60))
    worker = Worker(log, [])
    states = [
        (minutes_after_start(stall), stall.state) for stall in worker.all() if stall.changed and stall.member == "door"
    ]
    assert "stalled" in [state for minute, state in states if minute <= 800]
    assert "stalled" not in [state for minute, state in states if 800 < minute <= 830]
    own = worker.detectors.appeals["door"].own
    assert own is not None
    assert own.accepted == START_MS // 1000 + 800 * 60


def test_an_influencer_is_spoken_of_from_its_first_donation_on_and_nobody_is_named_in_brackets() -> None:
    log = [
        said("influencer", "ann", 3, clicks=9),
        said("influencer", "(unattributed)", 3, clicks=9, donations=4),
        said("influencer", "bob", 3, clicks=9, donations=1),
        said("campaign", "door", 3, clicks=27, donations=5),
        complete(60, 1),
    ]
    assert {stall.member for stall in Worker(log, []).all()} == {"bob", "door"}


def test_a_campaign_comes_after_its_influencers_and_says_how_many_they_are() -> None:
    table = Worker(appeal(60, Random(1)), []).all()
    assert table[-1].dimension == "campaign"
    assert table[-1].watch["roll"] == {"door": 2}
    assert is_whole(table)
    assert not is_whole([stall for stall in table if stall.member != "ann"])


@pytest.mark.parametrize("years", [-3, 3])
def test_a_campaign_of_another_time_costs_no_more_than_the_horizon(years: int) -> None:
    moved = msgspec.structs.replace(
        CAMPAIGN, start=START + timedelta(days=365 * years), end=START + timedelta(days=365 * years + 2)
    )
    log = [said("campaign", "door", 3, clicks=7), complete(10, 1)]
    worker = Worker(log, [], moved)
    assert worker.step(2 * HORIZON // 60)


def test_an_appeal_that_is_long_over_is_neither_stepped_nor_said_again() -> None:
    log = [said("campaign", "door", 3, clicks=7), complete(16 * 24 * 60 + 2000, 1)]
    first = Worker(log, [])
    table = list(first.all())
    assert first.detectors.appeals["door"].over
    second = Worker(log, list(table))
    second.all()
    assert second.table == table


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5))
@example(3075, 2)  # paused between two records of one word
def test_the_history_is_the_same_however_often_a_worker_is_killed(seed: int, kills: int) -> None:
    dice = Random(seed)
    start = dice.randint(100, 300)
    log = appeal(900, dice, gone=range(start, start + 400))
    undisturbed = Worker(log, []).all()
    assert "stalled" in {stall.state for stall in undisturbed}

    table: list[Stall] = []
    worker, visible = Worker(log, table), 0
    while visible < len(log):
        visible = min(len(log), visible + dice.randint(1, 400))
        worker.read(visible)
        all_stepped = worker.step(dice.choice((1, 7, 100, 10**9)))
        if all_stepped or dice.random() < 0.3:
            killed = kills and dice.random() < 0.4
            worker.take_records(dice.randint(0, 6) if killed else 10**9)
            if killed:
                kills -= 1
                ghost, worker = worker, Worker(log, table)
                worker.read(visible)
                if dice.random() < 0.5:
                    # The killed one was only paused: it goes on and says what it had.
                    ghost.step(dice.choice((1, 100)))
                    ghost.take_records()
    worker.all()
    assert history(table) == history(undisturbed)
    for member in ("door", "ann", "bob"):
        assert newest(table, member).watch["watch"] == newest(undisturbed, member).watch["watch"]
