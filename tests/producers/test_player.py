"""Playing history: heartbeats in played time, and pace."""

from __future__ import annotations

from schemas.topics import CLICKS, HEARTBEATS
from streams.producers.outgoing import Outgoing
from streams.producers.player import BEAT_MS, play, with_heartbeats

MINUTE = 60_000


def _click(at_ms: int) -> Outgoing:
    return Outgoing(CLICKS, None, b"r", b"{}", at_ms)


class Recorder:
    """Stands in for a sender."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.flushed = 0

    def partitions(self, topic: str) -> int:
        return 3

    def send(self, record: Outgoing) -> None:
        self.sent.append(record)

    def flush(self) -> dict:
        self.flushed += 1
        return {}


def test_a_beat_goes_to_every_partition_every_five_played_minutes() -> None:
    played = list(with_heartbeats([_click(0), _click(11 * MINUTE)], "door", 3, 20 * MINUTE))
    beats = [(record.record_time_ms, record.partition) for record in played if record.topic == HEARTBEATS]
    assert beats == [(minute * MINUTE, partition) for minute in (5, 10, 15, 20) for partition in range(3)]


def test_the_stream_stays_in_order_of_record_time() -> None:
    played = list(with_heartbeats([_click(0), _click(BEAT_MS), _click(77 * MINUTE)], "door", 2, 90 * MINUTE))
    times = [record.record_time_ms for record in played]
    assert times == sorted(times)


def test_the_last_beat_is_at_the_end_of_the_tail() -> None:
    played = list(with_heartbeats([_click(0)], "door", 2, 7 * MINUTE))
    assert [(record.partition, record.record_time_ms) for record in played[-2:]] == [
        (0, 7 * MINUTE),
        (1, 7 * MINUTE),
    ]


def test_the_last_beat_is_never_before_the_last_record() -> None:
    played = list(with_heartbeats([_click(9 * MINUTE)], "door", 1, 0))
    assert played[-1].topic == HEARTBEATS
    assert played[-1].record_time_ms == 9 * MINUTE


def test_nothing_to_play_has_no_beats() -> None:
    assert list(with_heartbeats([], "door", 4, 20 * MINUTE)) == []


def test_a_beat_says_who_plays_and_when() -> None:
    *_, beat = with_heartbeats([_click(0)], "door", 1, MINUTE)
    assert beat.key == b"player/door"
    assert beat.value == b'{"feed":"player/door","at":"1970-01-01T00:01:00.000Z"}'


def test_at_a_speed_the_player_waits_for_played_time() -> None:
    wall = [100.0]

    def pause(seconds: float) -> None:
        wall[0] += seconds

    recorder = Recorder()
    play(
        [_click(0), _click(60_000)],
        recorder,
        campaign_id="door",
        until_ms=60_000,
        speed=60,
        now=lambda: wall[0],
        pause=pause,
    )
    assert wall[0] == 101.0
    assert recorder.flushed == 1


def test_as_fast_as_it_goes_means_no_wait() -> None:
    def pause(seconds: float) -> None:
        raise AssertionError("waited")

    told: list[tuple[int, int]] = []
    play(
        [_click(0), _click(11 * MINUTE)],
        Recorder(),
        campaign_id="door",
        until_ms=0,
        pause=pause,
        progress=lambda at_ms, sent: told.append((at_ms, sent)),
    )
    assert told[-1] == (11 * MINUTE, 2 + 3 * 3)
