"""A false claim of completeness is found, a true one is not: claims are planted, on a clock that is an argument."""

from __future__ import annotations

from typing import Any, Final

from schemas.topics import CLICKS
from tests.chaos.feed import LATENESS_SECONDS, PROMPT_MS, Delays
from tests.chaos.sampler import Claims, Sample, judge, look, on_time
from tests.chaos.world import Query

NOON: Final = 1_773_316_800  # a whole hour
MINUTE: Final = 60
# Ten clicks in each minute of the hour before.
TEN_A_MINUTE: Final = {NOON - 3600 + minute * MINUTE: (0, 10, 0, 0) for minute in range(60)}


def claims(*samples: Sample, begun: float = NOON - 1) -> Claims:
    made = Claims(begun)
    for sample in samples:
        made.note(sample)
    return made


def window(end: int, clicks: int, final: bool = False) -> dict[int, tuple[bool, tuple[int, ...]]]:
    return {end: (final, (0, clicks, 0, 0))}


def test_what_is_whole_may_be_called_complete() -> None:
    sample = Sample(NOON + 20, NOON + 10, window(NOON, 50, final=True))
    assert judge(claims(sample), TEN_A_MINUTE) == []


def test_a_final_window_that_lacks_an_event_is_found() -> None:
    found = judge(claims(Sample(NOON + 20, NOON - 30, window(NOON, 49, final=True))), TEN_A_MINUTE)
    assert found == [
        "completeness ahead of events: at 12:00:20 the window of 12:00:00 was complete with 49 of 50 clicks"
    ]


def test_a_window_that_ends_before_complete_up_to_is_claimed_final_or_not() -> None:
    assert "with 49 of 50" in judge(claims(Sample(NOON + 20, NOON + 1, window(NOON, 49))), TEN_A_MINUTE)[0]
    assert judge(claims(Sample(NOON + 20, NOON - 1, window(NOON, 49))), TEN_A_MINUTE) == [], "it claims nothing"


def test_a_window_without_a_row_is_claimed_to_be_empty() -> None:
    later = Sample(NOON + 20, NOON + 10, {})
    assert "with 0 of 50 clicks" in judge(claims(later, begun=NOON - MINUTE), TEN_A_MINUTE)[0]
    assert judge(claims(later), {}) == [], "and so it is"


def test_a_claim_that_was_false_for_a_moment_is_found() -> None:
    short = Sample(NOON + 20, NOON + 10, window(NOON, 49, final=True))
    whole = Sample(NOON + 21, NOON + 10, window(NOON, 50, final=True))
    assert len(judge(claims(short, whole), TEN_A_MINUTE)) == 1


def test_what_comes_late_may_make_a_final_window_grow() -> None:
    before = Sample(NOON + 20, NOON + 10, window(NOON, 50, final=True))
    after = Sample(NOON + 40, NOON + 30, window(NOON, 57, final=True))
    assert judge(claims(before, after), TEN_A_MINUTE) == []


def test_nothing_is_complete_before_it_is_over() -> None:
    ahead = claims(Sample(NOON, NOON + 3000, {}))
    assert judge(ahead, {}) == ["completeness ahead of the clock: at 12:00:00 all was complete up to 12:50:00"]
    final = claims(Sample(NOON, NOON - 30, window(NOON + MINUTE, 0, final=True)))
    assert judge(final, {}) == ["completeness ahead of the clock: at 12:00:00 the window of 12:01:00 was final"]


def test_many_false_claims_are_counted_and_some_shown() -> None:
    found = judge(claims(*[Sample(NOON + second, NOON + 3000, {}) for second in range(30)]), {})
    assert len(found) == 6
    assert found[-1] == "completeness ahead of the clock: 25 more"


def landed(*rows: tuple[int, int, int, int, int]) -> Query:
    """A store with these clicks: partition, second of the record, minute of the event, seconds between, how many."""

    def query(sql: str) -> list[tuple[Any, ...]]:
        return list(rows) if f"FROM {CLICKS} " in sql else []

    return query


def test_an_event_is_on_time_if_it_was_acknowledged_within_the_lateness() -> None:
    second, lag = NOON + 5, LATENESS_SECONDS - 4
    rows = landed((0, second, NOON, lag, 3), (1, second, NOON, lag, 4), (2, second, NOON + MINUTE, 0, 5))
    slow = Delays([(CLICKS, 1, second, 3000), (CLICKS, 2, second, 3000)])
    assert on_time(rows, Delays()) == {NOON: (0, 7, 0, 0), NOON + MINUTE: (0, 5, 0, 0)}
    assert on_time(rows, slow) == {NOON: (0, 3, 0, 0), NOON + MINUTE: (0, 5, 0, 0)}


def test_of_a_second_the_slowest_record_counts() -> None:
    delays = Delays([(CLICKS, 0, NOON, 2000)])
    assert delays.of(CLICKS, 0, NOON) == 2.0
    assert delays.of(CLICKS, 0, NOON + 1) == PROMPT_MS / 1000


def test_the_watermark_is_read_before_the_rows_that_it_vouches_for() -> None:
    asked = []

    def query(sql: str) -> list[tuple[Any, ...]]:
        asked.append(sql)
        return [(NOON + 0.5,)] if "FROM complete_up_to" in sql else [(NOON, 1, 1, 2, 3, 4)]

    sample = look(query)
    assert sample.complete == NOON + 0.5
    assert sample.windows == {NOON: (True, (1, 2, 3, 4))}
    assert "complete_up_to" in asked[0]
    assert "conversions" in asked[1]
