"""What conversion must do where stories do not reach: compaction, a flush in between, forgotten minutes."""

from __future__ import annotations

from typing import Any

import msgspec
from wiring import START_MS, campaign_of

from schemas.results import WindowResult
from schemas.slices import COUNTS, SLICES_SCHEMA, Entity, Progress, Slice, SliceRecord, home_of
from schemas.times import DAY_MS, parse_ms
from schemas.topics import SOURCES
from streams.operators.windowing.state import Conversion
from streams.operators.windowing.watermarks import FRESH_MS
from streams.operators.windowing.windower import Windower

MINUTE_MS = 60_000
OLD = START_MS // 1000 + 10 * 86_400  # long after the start
CAMPAIGN = campaign_of("door", "USD")
EARLY, LATER = START_MS, START_MS + 30 * MINUTE_MS


def progress(partition: int, version: int, clock: int, idle: bool, incarnation: str = "a", **more: Any) -> Progress:
    nothing = dict.fromkeys(SOURCES, 0)
    maps = dict.fromkeys(("positions", "begins", "ends", "accepted", "duplicates", "dead_lettered", "late"), nothing)
    return Progress(SLICES_SCHEMA, partition, incarnation, version, clock, idle, **maps, **more)


def clicks(number: int, minute: int, version: int = 1, partition: int = 0, member: str = "ann") -> Slice:
    """Clicks of the minute that ends so many minutes after the start."""
    counts = [number if name == "clicks" else 0 for name in COUNTS]
    end = START_MS // 1000 + minute * 60
    return Slice(SLICES_SCHEMA, "door", "influencer", member, end, partition, "a", version, counts, {})


def worker() -> tuple[Windower, Conversion]:
    return Windower({"door": CAMPAIGN}, 2), Conversion(0)


def take(windower: Windower, state: Conversion, *records: SliceRecord) -> None:
    for record in records:
        windower.apply(state, record)
        state.position += 1


def flushed(windower: Windower, state: Conversion) -> dict[tuple[str, int], WindowResult]:
    """Rows by window and end, in minutes after the start."""
    results, said_all = windower.flush(state, START_MS)
    assert said_all
    rows = [result for result in results if isinstance(result, WindowResult)]
    return {(row.window, (parse_ms(row.window_end) - START_MS) // MINUTE_MS): row for row in rows}


def test_a_window_that_may_begin_with_the_next_record_waits_for_it() -> None:
    windower, state = worker()
    take(windower, state, progress(0, 1, EARLY - 1, True), progress(1, 1, EARLY - 1, True))
    take(windower, state, clicks(3, minute=1))
    assert flushed(windower, state) == {}
    take(windower, state, progress(0, 2, EARLY, True))
    rows = flushed(windower, state)
    assert rows["15m", 1].clicks == 3
    assert set(rows) == {("15m", 1), ("1h", 1), ("6h", 5), ("48h", 30)}


def test_windows_of_a_backlog_are_said_once_the_clock_has_come_to_them() -> None:
    windower, state = worker()
    take(windower, state, progress(0, 1, EARLY - 1, True), progress(1, 1, EARLY - 1, True))
    take(windower, state, clicks(2, minute=28), clicks(3, minute=31))
    assert flushed(windower, state) == {}, "nobody knows yet that these minutes have begun"
    take(windower, state, progress(0, 2, LATER, True))
    rows = flushed(windower, state)
    assert {key: row.clicks for key, row in rows.items() if key[0] == "15m"} == {
        ("15m", 28): 2,
        ("15m", 29): 2,
        ("15m", 30): 2,
        ("15m", 31): 5,
    }
    assert {rows[key].clicks for key in (("1h", 31), ("6h", 35), ("48h", 60))} == {5}
    assert not any(row.final for row in rows.values() if parse_ms(row.window_end) > LATER)
    assert flushed(windower, state) == {}, "once"


def test_a_worker_that_takes_over_amid_a_backlog_says_its_windows_too() -> None:
    windower, state = worker()
    for record in (progress(0, 1, EARLY - 1, True), progress(1, 1, EARLY - 1, True), clicks(3, minute=31)):
        windower.apply(state, record, emitted=True)
    windower.resume(state, EARLY - 1, {"door": EARLY - 1 - 300_000})
    take(windower, state, progress(0, 2, LATER, True))
    assert flushed(windower, state)["15m", 31].clicks == 3


def test_a_backlog_waits_until_every_source_partition_has_spoken() -> None:
    windower, state = worker()
    take(windower, state, clicks(3, minute=31))
    assert flushed(windower, state) == {}
    take(windower, state, progress(0, 2, LATER, True))
    assert flushed(windower, state) == {}, "all of its windows would be said now, and again when they are closed"
    take(windower, state, progress(1, 1, LATER, True))
    assert flushed(windower, state)["15m", 31].clicks == 3


def test_a_watermark_does_not_go_back_when_compaction_took_what_it_was_made_of() -> None:
    windower, state = worker()
    # Partition 1 was idle, so partition 0 alone counted; by now it has something to read, and says so under one key.
    idle, ahead, behind = progress(1, 1, EARLY, True), progress(0, 1, LATER, True), progress(1, 1, EARLY, False)
    take(windower, state, idle, ahead, behind)
    reached = dict(state.watermarks)
    assert reached == {"door": LATER - 300_000}

    windower, successor = worker()
    take(windower, successor, ahead, behind)
    windower.resume(successor, state.clock, reached)
    assert successor.watermarks == reached


def test_windows_are_not_taken_as_closed_because_compaction_took_who_was_behind() -> None:
    windower, state = worker()
    records = [
        progress(1, 1, EARLY, True, "first"),
        progress(1, 2, EARLY, False, "second"),  # taken by compaction, for the same key speaks again
        progress(0, 1, LATER, False),
        clicks(3, minute=20),
    ]
    take(windower, state, *records)
    provisional = flushed(windower, state)["15m", 20]
    assert (provisional.clicks, provisional.final) == (3, 0)

    windower, successor = worker()
    for record in (records[0], records[2], records[3]):
        windower.apply(successor, record, emitted=True)
    windower.resume(successor, state.clock, state.watermarks)
    windower.apply(successor, progress(1, 3, EARLY + 1, False, "second"))
    windower.apply(successor, progress(1, 4, LATER, False, "second"))
    assert flushed(windower, successor)["15m", 20].final == 1


def test_what_compaction_has_taken_may_have_been_emitted_so_it_is_said_again() -> None:
    ticks = (progress(0, 1, LATER, True), progress(1, 1, LATER, True))
    windower, state = worker()
    take(windower, state, *ticks, clicks(3, minute=10))
    assert flushed(windower, state)["15m", 10].clicks == 3

    windower, successor = worker()
    take(windower, successor, *ticks)
    windower.apply(successor, clicks(0, minute=10, version=2), catching_up=True)
    assert flushed(windower, successor)["15m", 10].clicks == 0


def test_a_second_worker_of_an_older_version_changes_nothing() -> None:
    windower, state = worker()
    take(windower, state, progress(0, 1, LATER, True), progress(1, 1, LATER, True), clicks(3, minute=10, version=5))
    flushed(windower, state)
    take(windower, state, clicks(1, minute=10, version=4), progress(0, 0, LATER * 2, True))
    assert flushed(windower, state) == {}
    assert state.clock == LATER


def test_minutes_that_were_forgotten_lower_no_row_when_they_are_said_again() -> None:
    windower, state = worker()
    today = START_MS + 30 * DAY_MS
    take(windower, state, clicks(3, minute=10), clicks(4, minute=10, partition=1))
    take(windower, state, progress(0, 1, today, True, forgotten=OLD), progress(1, 1, today, True, forgotten=OLD + 60))
    assert flushed(windower, state)["15m", 10].clicks == 7
    windower.forget(state)
    assert (state.slices, state.timelines) == ({}, {})
    take(windower, state, clicks(3, minute=10, version=9))
    assert flushed(windower, state) == {}


def test_a_window_that_begins_in_forgotten_minutes_is_not_emitted_from_what_is_left() -> None:
    windower, state = worker()
    today, gone = START_MS + 19 * DAY_MS, START_MS // 1000 + 4 * 86_400
    take(windower, state, progress(0, 1, today, True, forgotten=gone), progress(1, 1, today, True, forgotten=gone))
    take(windower, state, clicks(3, minute=0), clicks(4, minute=2 * 1440 + 30))
    flushed(windower, state)
    windower.forget(state)
    take(windower, state, clicks(5, minute=2 * 1440 + 30, version=2))
    rows = flushed(windower, state)
    assert rows["15m", 2 * 1440 + 30].clicks == 5
    assert min(end for window, end in rows if window == "48h") >= 2 * 2 * 1440


def test_nothing_is_forgotten_that_a_source_partition_may_still_say_or_that_has_not_spoken() -> None:
    windower, state = worker()
    take(windower, state, clicks(3, minute=10), progress(0, 1, LATER, True, forgotten=OLD))
    windower.forget(state)
    take(windower, state, progress(1, 1, LATER, True, forgotten=START_MS // 1000))
    flushed(windower, state)
    windower.forget(state)
    take(windower, state, clicks(4, minute=10, version=2))
    assert flushed(windower, state)["15m", 10].clicks == 4


def test_a_campaign_that_is_not_known_here_is_kept_and_not_emitted() -> None:
    windower, state = worker()
    stranger = Slice(SLICES_SCHEMA, "other", "campaign", "other", START_MS // 1000, 0, "a", 1, [1] * len(COUNTS), {})
    take(windower, state, stranger, progress(0, 1, LATER, True), progress(1, 1, LATER, True))
    windower.resume(state, LATER, {"other": LATER, "door": LATER})
    assert flushed(windower, state) == {}


def test_a_campaign_that_is_at_home_elsewhere_has_no_windows_here() -> None:
    home = home_of(Entity("door", "campaign", "door"), 2)
    counts = [1] * len(COUNTS)
    minute = Slice(SLICES_SCHEMA, "door", "campaign", "door", START_MS // 1000 + 60, 0, "a", 1, counts, {})
    rows = {}
    for partition in (home, 1 - home):
        windower, state = Windower({"door": CAMPAIGN}, 2, 2), Conversion(partition)
        take(windower, state, minute, clicks(3, minute=1))
        take(windower, state, progress(0, 1, LATER, True), progress(1, 1, LATER, True))
        windower.resume(state, LATER, {"door": EARLY})
        take(windower, state, msgspec.structs.replace(minute, version=2, counts=[2] * len(COUNTS)))
        results, _ = windower.flush(state, START_MS)
        rows[partition] = {row.dimension for row in results if isinstance(row, WindowResult)}
        assert state.timelines[Entity("door", "campaign", "door")].total(0, 2**40).counts == [2] * len(COUNTS)
    assert rows == {home: {"campaign", "influencer"}, 1 - home: {"influencer"}}


# ---- how complete it is ------------------------------------------------------------------------------------


def hear(windower: Windower, state: Conversion, record: Progress, now: int) -> int:
    """The watermark, in seconds after the start, once this was heard at that moment."""
    windower.apply(state, record, now_ms=now)
    return (state.watermarks["door"] + CAMPAIGN.allowed_lateness * 1000 - START_MS) // 1000


def test_in_live_use_a_source_partition_whose_worker_is_gone_holds_the_watermark() -> None:
    windower, state = worker()
    windower.apply(state, progress(0, 1, START_MS, True, live=True), now_ms=START_MS)
    assert hear(windower, state, progress(1, 1, START_MS, True, live=True), START_MS) == 0
    for second in range(2, 60, 2):
        now = START_MS + second * 1000
        assert hear(windower, state, progress(1, 1, now, True, live=True), now) == 0
    take_over = progress(0, 1, START_MS + 61_000, True, "b", live=True)
    assert hear(windower, state, take_over, START_MS + 61_000) == 58


def test_where_history_is_played_idle_counts_while_its_worker_speaks() -> None:
    windower, state = worker()
    windower.apply(state, progress(0, 1, START_MS, True), now_ms=EARLY)
    assert hear(windower, state, progress(1, 1, START_MS + 60_000, True), EARLY + FRESH_MS) == 60
    assert hear(windower, state, progress(1, 2, START_MS + 90_000, True), EARLY + FRESH_MS + 1) == 60
    assert hear(windower, state, progress(0, 1, START_MS, True), EARLY + FRESH_MS + 2) == 90


def test_a_fast_clock_takes_no_watermark_ahead_of_now_and_is_forgotten_with_the_next_word() -> None:
    windower, state = worker()
    fast = LATER + 3_300_000
    windower.apply(state, progress(0, 1, LATER, True, live=True), now_ms=LATER)
    assert hear(windower, state, progress(1, 1, fast, True, live=True, complete=fast), LATER) == 1800
    assert max(said.complete for said in state.progress.values()) == LATER
    windower.apply(state, progress(0, 1, LATER + 60_000, True, live=True), now_ms=LATER + 60_000)
    assert hear(windower, state, progress(1, 1, LATER + 1000, True, live=True), LATER + 60_000) == 1801


def test_a_mark_that_was_made_by_a_fast_clock_does_not_hold_a_successor() -> None:
    windower, state = worker()
    windower.resume(state, LATER + 3_300_000, {"door": LATER + 3_000_000}, LATER)
    assert (state.clock, state.watermarks) == (LATER, {"door": LATER - 300_000})
    windower.resume(state, LATER + 3_300_000, {"door": LATER + 3_000_000})
    assert state.clock == LATER + 3_300_000  # of a history that is played


def test_results_of_a_later_epoch_outrank_those_of_any_position_before_it() -> None:
    windower = Windower({"door": CAMPAIGN}, 2)
    old, new = Conversion(0, position=10**9, epoch=7), Conversion(0, epoch=8)
    versions = []
    for state in (old, new):
        take(windower, state, clicks(3, minute=10), progress(0, 1, LATER, True), progress(1, 1, LATER, True))
        versions.append({result.version for result in windower.flush(state, START_MS)[0]})
    assert max(versions[0]) < min(versions[1])
