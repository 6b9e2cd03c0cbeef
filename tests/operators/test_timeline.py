"""Sums at three levels are the sums of the minutes, and due windows are those that a plain search finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from random_logs import tried

from schemas.campaign import DEFAULT_WINDOWS, SLICE_SECONDS, Window
from streams.operators.counters import Counters
from streams.operators.windowing.sliding import align_up, ends_touched, newest_end
from streams.operators.windowing.timeline import Timeline

WINDOWS = (*DEFAULT_WINDOWS, Window("3m", 180, 180), Window("14m", 840, 420), Window("2h", 7200, 2400))
DAY = 86_400
START = 1_773_338_400 // DAY * DAY

minutes = st.one_of(st.integers(0, 90), st.integers(0, 60 * 24 * 4))
additions = st.lists(st.tuples(minutes, st.integers(1, 3), st.sampled_from((None, "USD", "JPY"))), max_size=80)
windows = st.sampled_from(WINDOWS)


def end_of(minute: int) -> int:
    return START + minute * SLICE_SECONDS


def counted(number: int, currency: str | None) -> Counters:
    return Counters([number] * 7, {currency: [number, 1, 0]} if currency else {})


def filled(added: list[tuple[int, int, str | None]]) -> tuple[Timeline, dict[int, Counters]]:
    """A timeline, and the same in a plain dictionary; every third addition is taken back."""
    timeline, plain = Timeline(), dict[int, Counters]()
    for index, (minute, number, currency) in enumerate(added):
        counters = counted(number, currency)
        timeline.add(end_of(minute), counters)
        if index % 3 == 2:
            timeline.add(end_of(minute), counters, sign=-1)
        else:
            plain.setdefault(end_of(minute), Counters()).add(counters)
    return timeline, plain


def plain_total(plain: dict[int, Counters], start: int, end: int) -> Counters:
    total = Counters()
    for at, counters in plain.items():
        if start < at <= end:
            total.add(counters)
    return total


@tried(150)
@given(additions, minutes, minutes)
def test_a_total_is_the_sum_of_its_minutes(added: list[tuple[int, int, str | None]], one: int, other: int) -> None:
    timeline, plain = filled(added)
    start, end = sorted((end_of(one), end_of(other)))
    assert timeline.total(start, end) == plain_total(plain, start, end)
    assert timeline.is_empty(start, end) == (not any(start < at <= end for at in plain))
    assert timeline.ends == sorted(plain)


@tried(150)
@given(additions, windows, st.sets(st.integers(0, 200), max_size=30))
def test_totals_of_many_windows_are_the_total_of_each(
    added: list[tuple[int, int, str | None]], window: Window, steps: set[int]
) -> None:
    timeline, plain = filled(added)
    ends = sorted(align_up(START, window.slide) + step * window.slide for step in steps)
    found = [(end, total.copy()) for end, total in timeline.totals(window, ends)]
    assert found == [(end, plain_total(plain, end - window.size, end)) for end in ends]


@tried(150)
@given(additions, windows, st.one_of(st.none(), minutes), minutes)
def test_due_are_windows_that_hold_something_and_the_first_empty_one_after_them(
    added: list[tuple[int, int, str | None]], window: Window, after: int | None, until: int
) -> None:
    timeline, plain = filled(added)
    first = START if after is None else end_of(after) + 1
    true = []
    for end in range(align_up(first, window.slide), end_of(until) + 1, window.slide):
        holds = not timeline.is_empty(end - window.size, end)
        held = not timeline.is_empty(end - window.size - window.slide, end - window.slide)
        if plain and (holds or held):
            true.append(end)
    assert list(timeline.due(window, None if after is None else end_of(after), end_of(until))) == true


def test_a_pause_of_years_costs_no_step_for_each_of_its_minutes() -> None:
    timeline = Timeline()
    timeline.add(START, counted(1, None))
    timeline.add(START + 3650 * DAY, counted(1, None))
    window = DEFAULT_WINDOWS[0]
    assert len(list(timeline.due(window, None, START + 3651 * DAY))) == 2 * (15 + 1)


@tried(100)
@given(additions, st.integers(0, 4 * 48))
def test_forgetting_drops_the_old_minutes_and_no_other(added: list[tuple[int, int, str | None]], halves: int) -> None:
    timeline, plain = filled(added)
    before = START + halves * 1800
    none_is_left = timeline.forget(before)
    left = {at: counters for at, counters in plain.items() if at > before}
    assert none_is_left == (not left)
    assert timeline.total(START - DAY, START + 5 * DAY) == plain_total(left, START - DAY, START + 5 * DAY)


@tried(150)
@given(minutes, windows)
def test_windows_touched_are_those_that_hold_the_slice_and_the_first_after_them(minute: int, window: Window) -> None:
    end = end_of(minute)
    near = range(align_up(end - window.slide, window.slide), end + window.size + 2 * window.slide, window.slide)
    holding = [at for at in near if at - window.size < end <= at]
    assert list(ends_touched(end, window)) == [*holding, holding[-1] + window.slide]
    assert len(holding) == window.size // window.slide


@tried(150)
@given(st.integers(0, 4 * DAY * 1000), windows)
def test_the_newest_window_holds_the_moment_and_the_one_before_it_does_not(ms: int, window: Window) -> None:
    moment = START * 1000 + ms
    newest = newest_end(moment, window)
    assert newest % window.slide == 0
    assert moment < newest * 1000
    assert (newest - window.slide) * 1000 <= moment
