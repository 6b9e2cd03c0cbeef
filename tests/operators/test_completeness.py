"""Up to when a source partition says that it is complete."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from looking import absolute
from random_logs import CODEC, logs_of, tried
from wiring import PARTITIONS, PROCESSOR, START_MS, Logs, begun, drained, event_fields, fold, fold_all, heartbeat

from schemas.slices import Progress
from schemas.topics import ATTRIBUTION_INPUTS, CLICKS, DONATIONS, HEARTBEATS, SHARES, SOURCES
from streams.operators.attribution.emission import LogEnds, begin_flush
from streams.operators.attribution.feeds import REPORTS_AT_MOST, Feeds, PlayerReport
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.snapshot import fingerprint_of, from_bytes, to_bytes
from streams.operators.attribution.state import Attribution

MINUTE = 60_000
FINGERPRINT = fingerprint_of(CODEC)
FOLDER = AttributionOperator(CODEC, PROCESSOR)
R1 = 0  # the partition of the referral r1


def time_of(minute: float) -> int:
    return START_MS + int(minute * MINUTE)


def click(logs: Logs, minute: float, referral: str = "r1", sent: float | None = None) -> int:
    number = len(logs.records[CLICKS, 0]) + 1000 * len(logs.records[CLICKS, 1])
    fields = event_fields(number, time_of(minute), "door", referral)
    return logs.event(CLICKS, fields, time_of(minute if sent is None else sent))


def share(logs: Logs, minute: float) -> int:
    more = {"influencer_id": "ann", "channel": "blog", "kind": "original", "audience": 10, "tie": "weak"}
    return logs.event(SHARES, event_fields(9, time_of(minute), "door", "r1", **more), time_of(minute))


def player_beat(logs: Logs, partition: int, minute: float, feed: str = "player/door") -> None:
    """All that the logs of the partition hold was sent by this minute."""
    sent = {topic: end for topic, end in logs.ends(partition).items() if topic in SOURCES}
    heartbeat(logs, partition, time_of(minute), feed, sent=sent)


def progress(state: Attribution, logs: Logs, now: float | None = None) -> Progress:
    return drained(state, logs, now_ms=None if now is None else time_of(now)).progress


def minute_of(state: Attribution, logs: Logs, now: float | None = None) -> float | None:
    """What the partition says is complete, in minutes after the start; None: not known."""
    complete = progress(state, logs, now).complete
    return (complete - START_MS) / MINUTE if complete else None


# ---- without a player ------------------------------------------------------------------------------------


def test_nothing_is_known_before_anything_came() -> None:
    assert minute_of(begun(0), Logs()) is None


def test_read_to_the_end_a_played_partition_is_complete_up_to_its_clock() -> None:
    logs, state = Logs(), begun(R1)
    assert click(logs, 1) == R1
    share(logs, 5)
    fold_all(FOLDER, state, logs)
    assert minute_of(state, logs) == 5


def test_a_topic_that_lags_holds_its_partition_at_its_own_newest_record() -> None:
    logs, state = Logs(), begun(R1)
    for minute in (1, 2, 30):
        click(logs, minute)
    share(logs, 40)
    fold(FOLDER, state, logs, SHARES)
    fold(FOLDER, state, logs, CLICKS, upto=2)
    assert minute_of(state, logs) == 2
    assert minute_of(state, logs, now=60) == 1  # of the first few records the smallest: one of them may be fast
    fold(FOLDER, state, logs, CLICKS)
    assert minute_of(state, logs) == 40


def test_a_topic_of_which_nothing_was_folded_leaves_it_unknown() -> None:
    logs, state = Logs(), begun(R1)
    click(logs, 1)
    share(logs, 40)
    fold(FOLDER, state, logs, SHARES)
    assert minute_of(state, logs) is None
    assert minute_of(state, logs, now=60) is None


def test_two_that_lag_are_held_by_the_slower_one() -> None:
    logs, state = Logs(), begun(R1)
    for minute in (3, 4):
        click(logs, minute)
        share(logs, minute - 2)
    fold(FOLDER, state, logs, CLICKS, upto=1)
    fold(FOLDER, state, logs, SHARES, upto=1)
    assert minute_of(state, logs) == 1


def test_in_live_use_a_partition_that_lags_nowhere_is_complete_up_to_now() -> None:
    logs, state = Logs(), begun(R1)
    click(logs, 1)
    fold_all(FOLDER, state, logs)
    assert minute_of(state, logs, now=60) == 60
    assert minute_of(begun(1), logs, now=61) == 61


def test_a_record_ahead_of_the_wall_clock_does_not_carry_it_along() -> None:
    logs, state = Logs(), begun(R1)
    for _ in range(2):
        click(logs, 600)
    fold(FOLDER, state, logs, CLICKS, upto=1)
    assert minute_of(state, logs, now=60) == 60


def test_a_refused_record_moves_nothing() -> None:
    logs, state = Logs(), begun(0)
    logs.append(CLICKS, b"r1", b"no json", time_of(50), 0)
    logs.append(CLICKS, b"r1", b"no json", time_of(51), 0)
    fold(FOLDER, state, logs, CLICKS, upto=1)
    assert minute_of(state, logs) is None


# ---- a player --------------------------------------------------------------------------------------------


def test_a_players_beat_counts_once_all_that_it_sent_is_folded() -> None:
    logs, state = Logs(), begun(R1)
    click(logs, 1)
    player_beat(logs, R1, 5)
    share(logs, 6)
    click(logs, 7)
    player_beat(logs, R1, 10)
    fold(FOLDER, state, logs, HEARTBEATS)
    assert minute_of(state, logs) is None
    fold(FOLDER, state, logs, CLICKS, upto=1)
    assert minute_of(state, logs) == 5
    fold(FOLDER, state, logs, CLICKS)
    assert minute_of(state, logs) == 5
    fold(FOLDER, state, logs, SHARES)
    assert minute_of(state, logs) == 10


def test_records_beyond_the_newest_beat_do_not_count() -> None:
    """What comes after it is still being sent, in other topics too."""
    logs, state = Logs(), begun(R1)
    player_beat(logs, R1, 5)
    click(logs, 9)
    fold_all(FOLDER, state, logs)
    assert minute_of(state, logs) == 5


def test_a_player_of_history_says_nothing_about_live_use() -> None:
    logs, state = Logs(), begun(R1)
    player_beat(logs, R1, 5)
    fold_all(FOLDER, state, logs)
    assert minute_of(state, logs, now=60) == 60


def test_a_beat_that_does_not_say_what_was_sent_of_every_topic_is_no_players_word() -> None:
    logs, state = Logs(), begun(R1)
    click(logs, 1)
    heartbeat(logs, R1, time_of(5), "player/door", sent={CLICKS: 1})
    heartbeat(logs, R1, time_of(6), "player/door")
    fold_all(FOLDER, state, logs)
    assert minute_of(state, logs) == 6  # the partition's clock, as without a player
    assert progress(state, logs).feeds == {}


def test_each_partition_is_complete_by_itself() -> None:
    logs = Logs()
    states = [begun(partition) for partition in range(PARTITIONS)]
    assert {click(logs, 1, "r1"), click(logs, 1, "r3")} == {0, 1}
    for partition in range(PARTITIONS):
        player_beat(logs, partition, 5)
    for state in states:
        fold(FOLDER, state, logs, HEARTBEATS)
    fold(FOLDER, states[1], logs, CLICKS)
    assert [minute_of(state, logs) for state in states] == [None, 5]
    fold(FOLDER, states[0], logs, CLICKS)
    assert [minute_of(state, logs) for state in states] == [5, 5]


def test_a_second_play_of_the_same_history_takes_nothing_back() -> None:
    logs, state = Logs(), begun(R1)
    for minute in (10, 5):
        click(logs, minute)
        player_beat(logs, R1, minute)
    fold_all(FOLDER, state, logs)
    assert minute_of(state, logs) == 10


def test_of_two_players_the_newer_one_counts_and_each_is_told_apart() -> None:
    logs, state = Logs(), begun(R1)
    player_beat(logs, R1, 20)
    player_beat(logs, R1, 30, "player/yen")
    heartbeat(logs, R1, time_of(4), "donations/stripe", campaign_id="door")
    fold_all(FOLDER, state, logs)
    assert minute_of(state, logs) == 30
    minutes = {key: (at_ms - START_MS) / MINUTE for key, at_ms in progress(state, logs).feeds.items()}
    assert minutes == {"player/door@": 20, "player/yen@": 30, "donations/stripe@door": 4}


def test_far_behind_a_player_only_the_steps_grow_coarser() -> None:
    feeds = Feeds()
    number = 3 * REPORTS_AT_MOST
    feeds.unconfirmed["player/door@"] = [
        PlayerReport(time_of(minute), (minute, 0, 0, 0)) for minute in range(1, number + 1)
    ]
    feeds.confirm({})
    left = feeds.unconfirmed["player/door@"]
    assert len(left) < number
    assert left[-1].at_ms == time_of(number)
    feeds.confirm({SHARES: 1000})
    assert time_of(990) < feeds.played_up_to <= time_of(1000)
    feeds.confirm({SHARES: number})
    assert (feeds.played_up_to, feeds.unconfirmed) == (time_of(number), {})


# ---- rounds and restarts ---------------------------------------------------------------------------------


def test_what_is_folded_while_a_round_goes_out_is_not_vouched_for() -> None:
    logs, state = Logs(), begun(R1)
    click(logs, 1)
    player_beat(logs, R1, 5)
    fold_all(FOLDER, state, logs)
    begun_flush = begin_flush(state, "one", LogEnds(logs.ends(R1), idle=True), None)
    said_before = {(entity, said.end) for entity, said in absolute(state, begun_flush.dirty, "one")}
    click(logs, 8)
    player_beat(logs, R1, 10)
    fold_all(FOLDER, state, logs)
    slices = absolute(state, begun_flush.dirty, "one")
    assert begun_flush.progress.complete == time_of(5)
    assert {(entity, said.end) for entity, said in slices} == said_before
    assert not any(said.end * 1000 > time_of(5) for _, said in slices)
    assert minute_of(state, logs) == 10


@pytest.mark.parametrize("topics", [ATTRIBUTION_INPUTS, (HEARTBEATS,), (CLICKS, DONATIONS), ()])
def test_a_restart_says_the_same(topics: tuple[str, ...]) -> None:
    logs, state = Logs(), begun(R1)
    click(logs, 1)
    player_beat(logs, R1, 5)
    share(logs, 7)
    player_beat(logs, R1, 10)
    heartbeat(logs, R1, time_of(4), "donations/stripe", campaign_id="door")
    for topic in topics:
        fold(FOLDER, state, logs, topic)
    progress(state, logs)
    back = from_bytes(to_bytes(state, FINGERPRINT), R1, FINGERPRINT)
    assert back.feeds == state.feeds
    assert progress(back, logs) == progress(state, logs)
    for restarted in (back, state):
        fold_all(FOLDER, restarted, logs)
    assert progress(back, logs) == progress(state, logs)
    assert minute_of(back, logs) == 10


@tried(40)
@given(st.integers(0, 2**32), st.integers(1, 60), st.randoms(use_true_random=False))
def test_complete_never_goes_back_nor_beyond_what_is_folded(seed: int, size: int, random: Random) -> None:
    logs = logs_of(seed, size)
    for minute in range(0, 40, 5):
        for partition in range(PARTITIONS):
            at = random.randint(0, len(logs.records[HEARTBEATS, partition]))
            sent = {topic: random.randint(0, len(logs.records[topic, partition])) for topic in SOURCES}
            heartbeat(logs, partition, time_of(minute), "player/door", sent=sent)
            log = logs.records[HEARTBEATS, partition]
            log.insert(at, log.pop())
    for partition in range(PARTITIONS):
        _follow(logs, partition, random)


def _follow(logs: Logs, partition: int, random: Random) -> None:
    """Fold a partition on a random way with restarts, and compare each word with the log's own."""
    state, before = begun(partition), 0
    while True:
        complete = progress(state, logs).complete
        true = _true(logs, state)
        if state.feeds.has_player:
            assert complete == true >= before
            before = complete
        if state.positions == logs.ends(partition):
            return
        topic = random.choice([topic for topic, end in logs.ends(partition).items() if state.positions[topic] < end])
        left = len(logs.records[topic, partition]) - state.positions[topic]
        fold(FOLDER, state, logs, topic, state.positions[topic] + random.randint(1, left))
        if random.random() < 0.3:
            progress(state, logs)
            state = from_bytes(to_bytes(state, FINGERPRINT), partition, FINGERPRINT)


def _true(logs: Logs, state: Attribution) -> int:
    """The newest beat among those read whose offsets are folded, read off the log again."""
    folder, again = AttributionOperator(CODEC, PROCESSOR), begun(state.partition)
    best = 0
    for position in range(state.positions[HEARTBEATS]):
        fold(folder, again, logs, HEARTBEATS, position + 1)
        for report in again.feeds.unconfirmed.pop("player/door@", []):
            folded = [state.positions[topic] for topic in SOURCES]
            best = max(best, report.at_ms if all(map(int.__ge__, folded, report.sent)) else 0)
    return max(best, *again.feeds.played.values()) if again.feeds.played else best


# ---- clocks that are wrong, and ends that nobody has seen -----------------------------------------------------


def live_clock(state: Attribution, logs: Logs, now: float, seen: float | None = None) -> float:
    """Up to when the partition says it has come, in minutes after the start."""
    ends = {topic: logs.ends(state.partition)[topic] for topic in SOURCES}
    idle = all(state.positions[topic] == end for topic, end in ends.items())
    log_ends = LogEnds(ends, idle, None if seen is None else time_of(seen))
    said = begin_flush(state, "one", log_ends, time_of(now)).progress
    assert said.live
    assert said.clock == said.complete
    return (said.clock - START_MS) / MINUTE


def test_in_live_use_no_clock_is_ahead_of_the_wall_clock() -> None:
    logs, state = Logs(), begun(R1)
    click(logs, 58)
    fold_all(FOLDER, state, logs)
    assert live_clock(state, logs, now=1) == 1


def test_a_fast_record_and_a_heartbeat_do_not_hide_that_a_topic_lags() -> None:
    logs, state = Logs(), begun(R1)
    for second in range(60):
        click(logs, second / 60)
    click(logs, 50)
    for second in range(60):
        click(logs, 1 + second / 60)
    heartbeat(logs, R1, time_of(30))
    fold(FOLDER, state, logs, HEARTBEATS)
    fold(FOLDER, state, logs, CLICKS, upto=90)
    assert live_clock(state, logs, now=30) < 2
    fold(FOLDER, state, logs, CLICKS)
    assert live_clock(state, logs, now=30) == 30


def test_a_log_whose_end_was_seen_a_minute_ago_is_complete_up_to_then() -> None:
    logs, state = Logs(), begun(R1)
    click(logs, 1)
    fold_all(FOLDER, state, logs)
    assert live_clock(state, logs, now=30, seen=29) == 29
