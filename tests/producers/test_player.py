"""Playing history: heartbeats in played time that say what was sent, and pace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.heartbeats import CheckedHeartbeat, check
from schemas.topics import CLICKS, DONATIONS, HEARTBEATS, SHARES, SOURCES
from streams.producers.outgoing import Outgoing
from streams.producers.player import BEAT_MS, Beat, play, with_beats

MINUTE = 60_000
START_MS = 1_773_338_400_000


def _click(minute: float, partition: int | None = None) -> Outgoing:
    return Outgoing(CLICKS, partition, b"r", b"{}", START_MS + int(minute * MINUTE))


def _beats(played: Iterable[Outgoing | Beat]) -> list[int]:
    return [(item.record_time_ms - START_MS) // MINUTE for item in played if isinstance(item, Beat)]


class Recorder:
    """Stands in for a sender; a record counts as arrived, and moves the end of its log, at a flush."""

    def __init__(self, before: int = 0) -> None:
        self.sent: list[Outgoing] = []
        self.ends = {partition: {} for partition in range(3)}
        self._before = before
        self._waiting: list[Outgoing] = []

    def partitions(self, topic: str) -> int:
        return 3

    def look_at_ends(self, topics: Iterable[str]) -> None:
        for ends in self.ends.values():
            ends.update(dict.fromkeys(topics, self._before))

    def ends_of(self, partition: int) -> Mapping[str, int]:
        return self.ends[partition]

    def send(self, record: Outgoing) -> None:
        self.sent.append(record)
        self._waiting.append(record)

    def flush(self) -> dict:
        for record in self._waiting:
            if record.topic in SOURCES:
                self.ends[record.partition or 0][record.topic] += 1
        self._waiting.clear()
        return {}


def _said(recorder: Recorder, partition: int) -> list[CheckedHeartbeat]:
    return [
        check(record.value, record.record_time_ms)
        for record in recorder.sent
        if record.topic == HEARTBEATS and record.partition == partition
    ]


def test_it_beats_at_the_start_every_five_played_minutes_and_at_the_end() -> None:
    played = with_beats([_click(0), _click(11)], START_MS + 20 * MINUTE)
    assert _beats(played) == [0, 5, 10, 15, 20]


def test_the_stream_stays_in_order_of_record_time() -> None:
    played = list(with_beats([_click(0), _click(BEAT_MS / MINUTE), _click(77)], START_MS + 90 * MINUTE))
    times = [record.record_time_ms for record in played]
    assert times == sorted(times)


def test_a_beat_comes_after_the_records_of_its_own_time() -> None:
    played = list(with_beats([_click(0), _click(5), _click(6)], START_MS))
    assert [type(item) for item in played] == [Beat, Outgoing, Outgoing, Beat, Outgoing, Beat]


def test_the_last_beat_is_at_the_end_of_the_tail() -> None:
    *_, last = with_beats([_click(0)], START_MS + 7 * MINUTE)
    assert last == Beat(START_MS + 7 * MINUTE)


def test_the_last_beat_is_never_before_the_last_record() -> None:
    *_, last = with_beats([_click(9)], 0)
    assert last == Beat(START_MS + 9 * MINUTE)


def test_nothing_to_play_has_no_beats() -> None:
    assert list(with_beats([], START_MS)) == []


def test_a_beat_goes_to_every_partition_and_says_who_plays_and_what_was_sent_there() -> None:
    recorder = Recorder()
    share = Outgoing(SHARES, 2, b"r", b"{}", START_MS + MINUTE)
    play([_click(0, 1), share, _click(6, 1)], recorder, campaign_id="door", until_ms=START_MS + 10 * MINUTE)
    none = dict.fromkeys(SOURCES, 0)
    told = {
        partition: [((heard.at_ms - START_MS) // MINUTE, heard.sent) for heard in _said(recorder, partition)]
        for partition in range(3)
    }
    assert told == {
        0: [(0, none), (5, none), (10, none)],
        1: [(0, none), (5, {**none, CLICKS: 1}), (10, {**none, CLICKS: 2})],
        2: [(0, none), (5, {**none, SHARES: 1}), (10, {**none, SHARES: 1})],
    }
    assert {(heard.feed, heard.campaign_id) for heard in _said(recorder, 0)} == {("player/door", "door")}


def test_what_was_in_the_logs_before_is_part_of_what_is_there() -> None:
    recorder = Recorder(before=7)
    play([_click(0, 1)], recorder, campaign_id="door", until_ms=START_MS)
    first, last = _said(recorder, 1)
    assert (first.sent[CLICKS], last.sent[CLICKS], last.sent[DONATIONS]) == (7, 8, 7)


def test_beats_of_a_partition_are_compacted_to_the_newest() -> None:
    recorder = Recorder()
    play([_click(0)], recorder, campaign_id="door", until_ms=START_MS + 7 * MINUTE)
    assert {record.key for record in recorder.sent if record.topic == HEARTBEATS} == {b"player/door@door"}


def test_at_a_speed_the_player_waits_for_played_time() -> None:
    wall = [100.0]

    def pause(seconds: float) -> None:
        wall[0] += seconds

    play(
        [_click(0), _click(1)],
        Recorder(),
        campaign_id="door",
        until_ms=START_MS + MINUTE,
        speed=60,
        now=lambda: wall[0],
        pause=pause,
    )
    assert wall[0] == 101.0


def test_as_fast_as_it_goes_means_no_wait() -> None:
    def pause(seconds: float) -> None:
        raise AssertionError("waited")

    told: list[tuple[int, int]] = []
    play(
        [_click(0), _click(11)],
        Recorder(),
        campaign_id="door",
        until_ms=0,
        pause=pause,
        progress=lambda at_ms, sent: told.append((at_ms, sent)),
    )
    assert told[-1] == (START_MS + 11 * MINUTE, 2 + 4 * 3)
