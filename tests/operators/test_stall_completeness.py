"""Which minutes are closed, and which are holes."""

from __future__ import annotations

import msgspec
from test_conversion import progress
from wiring import START_MS

from schemas.slices import Progress
from streams.operators.stalls.completeness import (
    Completeness,
    Feed,
    Interval,
    close,
    complete_up_to,
    feeds_of,
    topics_of_feeds,
)

MINUTE_MS = 60_000
PATIENCE_MS = 15 * MINUTE_MS
TOPICS = topics_of_feeds("clicks")
START = START_MS // 1000


def at(minute: float) -> int:
    return START_MS + int(minute * MINUTE_MS)


def heard(partition: int, complete: float, **more: object) -> Progress:
    known = progress(partition, 1, 0, True)
    return msgspec.structs.replace(known, complete=at(complete), positions={}, ends={"clicks": 1}, **more)


def closed(*steps: tuple[float, dict[str, Feed]]) -> list[tuple[int, tuple[str, ...]]]:
    """(minutes after the start, feeds that are silent) of each stretch, closed in these steps."""
    completeness = Completeness()
    for complete, feeds in steps:
        close(completeness, TOPICS, at(complete), feeds, PATIENCE_MS)
    return [((interval.until - START) // 60, interval.silent) for interval in completeness.intervals]


def beats(newest: float, *silences: tuple[float, float]) -> dict[str, Feed]:
    return {"donations/stripe": Feed(at(newest), {(at(start), at(end)) for start, end in silences})}


def test_the_slowest_source_partition_counts() -> None:
    assert complete_up_to({0: heard(0, 9), 1: heard(1, 7)}, 2) == at(7)


def test_nothing_is_known_before_every_source_partition_has_spoken() -> None:
    assert complete_up_to({0: heard(0, 9)}, 2) == 0


def test_a_partition_that_does_not_know_holds_up_and_one_that_never_held_anything_does_not() -> None:
    unknown = msgspec.structs.replace(heard(1, 0), complete=0)
    void = msgspec.structs.replace(unknown, ends={"clicks": 0})
    assert complete_up_to({0: heard(0, 9), 1: unknown}, 2) == 0
    assert complete_up_to({0: heard(0, 9), 1: void}, 2) == at(9)


def test_only_whole_minutes_are_closed() -> None:
    assert closed((9.99, {})) == [(9, ())]


def test_without_a_heartbeat_nobody_waits_and_the_topics_are_unheard() -> None:
    completeness = Completeness()
    close(completeness, TOPICS, at(5), {}, PATIENCE_MS)
    assert completeness.intervals == [Interval(START + 300, (), ("clicks", "donations"))]


def test_minutes_wait_for_a_feed_within_its_patience() -> None:
    assert closed((20, beats(8.5))) == [(8, ())]


def test_a_feed_that_is_silent_for_longer_leaves_a_hole_from_its_last_heartbeat_on() -> None:
    assert closed((24, beats(8.5))) == [(8, ()), (24, ("donations/stripe",))]


def test_a_feed_that_comes_back_ends_its_hole_with_its_heartbeat() -> None:
    assert closed((24, beats(8)), (42, beats(41, (8, 40)))) == [(8, ()), (40, ("donations/stripe",)), (41, ())]


def test_a_hole_is_the_same_for_somebody_who_looks_only_afterwards() -> None:
    watched = closed((9, beats(8)), (24, beats(8)), (35, beats(8)), (42, beats(41, (8, 40))))
    assert watched == closed((42, beats(41, (8, 40))))


def test_a_silence_within_the_patience_of_the_campaign_is_none() -> None:
    assert closed((42, beats(41, (8, 20)))) == [(41, ())]


def test_two_feeds_have_two_holes() -> None:
    feeds = {**beats(8), "clicks/web": Feed(at(12))}
    assert closed((60, feeds)) == [(8, ()), (12, ("donations/stripe",)), (60, ("clicks/web", "donations/stripe"))]


def test_minutes_are_closed_once() -> None:
    assert closed((9, {}), (7, {}), (9, {})) == [(9, ())]


def test_feeds_of_another_campaign_or_topic_and_players_do_not_count() -> None:
    feeds = {"donations/a@door": 1, "donations/b@": 2, "donations/c@other": 3, "shares/d@door": 4, "player/door@": 5}
    assert feeds_of([heard(0, 9, feeds=feeds)], "door", TOPICS) == {"donations/a": Feed(1), "donations/b": Feed(2)}


def test_a_feed_that_is_heard_in_two_partitions_is_as_alive_as_in_the_newer_one() -> None:
    said = [heard(0, 9, feeds={"donations/a@door": 7}), heard(1, 9, feeds={"donations/a@door": 5})]
    assert feeds_of(said, "door", TOPICS) == {"donations/a": Feed(7)}


def test_the_feeds_of_exposures_are_those_of_their_topic() -> None:
    assert topics_of_feeds("impressions_sampled") == {"donations", "impressions"}
