"""What the sink makes of records that people, feeds and the detector wrote; nothing foreign stops it."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from faust.types import TP

from schemas import annotations, heartbeats, stalls
from schemas.annotations import Annotation
from schemas.campaign import load_campaigns
from schemas.codec import Codec
from schemas.codec.rejections import Rejection
from schemas.dead_letters import dead_letter
from schemas.errors import Fault
from schemas.heartbeats import Heartbeat
from schemas.reasons import Reason
from schemas.slices import Entity, home_of
from schemas.stalls import Stall
from schemas.topics import ANNOTATIONS, CONVERSIONS, DEAD_LETTERS, HEARTBEATS, STALLS
from streams.clickhouse.rows import Rows
from streams.kafka.transport import Batch
from streams.settings import CAMPAIGNS_HERE

PARTITIONS = 4
AT = "2026-03-12T18:05:00.000Z"
AT_MS = 1_773_338_700_000
STALL = Stall(
    1, "door", "campaign", "door", AT, "stalled", AT, 1, "560 clicks since the last donation.", "Check the page.",
    "clicks", 560, 40, AT, 0.0, 9.8, 0.0001, 0.018, 9.1, 8.0, 4.0, None, [], ["donations"], "a1", 17, AT, {"x": 1},
)  # fmt: skip
HOME = home_of(Entity("door", "campaign", "door"), PARTITIONS)
NOTE = Annotation("11111111-1111-4111-8111-111111111111", "door", "reminder", AT, "The results post")
FOREIGN = (b"", b"{", b"[]", b'{"hello": 1}', b"\xff\xfe", b"[" * 100_000)


def rows() -> Rows:
    return Rows(Codec(load_campaigns(CAMPAIGNS_HERE), PARTITIONS))


def batch(topic: str, *values: bytes | None, partition: int = HOME) -> Batch:
    records = [SimpleNamespace(offset=n, timestamp=AT_MS, key=b"k", value=value) for n, value in enumerate(values)]
    return Batch(TP(topic, partition), records, 0, 0)


def collected(topic: str, *values: bytes | None, partition: int = HOME) -> dict[str, list[dict[str, Any]]]:
    taken = rows()
    taken.add(topic, batch(topic, *values, partition=partition))
    lines, batches = taken.take()
    assert len(batches) == 1
    return {table: [json.loads(line) for line in text.splitlines()] for table, text in lines.items()}


def test_the_detectors_word_is_taken_from_the_home_partition_alone() -> None:
    value = stalls.encode(STALL)
    [row] = collected(STALLS, value)["stalls"]
    assert (row["state"], row["exposures_since"], row["silent_feeds"]) == ("stalled", 560, [])
    assert not {"watch", "schema", "incarnation"} & set(row)
    for partition in set(range(PARTITIONS)) - {HOME}:
        assert collected(STALLS, value, partition=partition) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"minute": "soon"},
        {"minute": "1969-01-01T00:00:00.000Z"},
        {"exposures_since": -1},
        {"version": 2**64},
        {"changed": 2},
        {"dimension": "tie"},
        {"schema": 2},
    ],
)
def test_a_word_that_the_store_would_refuse_is_left_out(
    change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    changed = msgspec.structs.replace(STALL, **change)
    partition = home_of(Entity(changed.campaign_id, changed.dimension, changed.member), PARTITIONS)
    assert collected(STALLS, stalls.encode(changed), partition=partition) == {}
    assert "left out" in caplog.text


def test_an_annotation_comes_with_its_place() -> None:
    [row] = collected(ANNOTATIONS, annotations.encode(NOTE))["annotations"]
    assert (row["text"], row["until"], row["source_partition"], row["source_offset"]) == (NOTE.text, None, HOME, 0)


@pytest.mark.parametrize("change", [{"annotation_id": "7"}, {"at": "yesterday"}, {"until": "2199-01-01T00:00:00Z"}])
def test_an_annotation_against_the_contract_is_left_out(change: dict[str, Any]) -> None:
    assert collected(ANNOTATIONS, annotations.encode(msgspec.structs.replace(NOTE, **change))) == {}


def test_heartbeats_of_feeds_land_and_those_of_a_player_do_not() -> None:
    feed = heartbeats.encode(Heartbeat("donations/stripe", AT, "door"))
    player = heartbeats.encode(Heartbeat("player/door", AT))
    [row] = collected(HEARTBEATS, feed, player)["heartbeats"]
    assert row == {"feed": "donations/stripe", "campaign_id": "door", "at": AT, "record_time": AT}


@pytest.mark.parametrize("topic", [STALLS, ANNOTATIONS, HEARTBEATS, CONVERSIONS, DEAD_LETTERS])
def test_a_foreign_record_is_left_out_with_its_place_and_holds_up_nothing(
    topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert collected(topic, *FOREIGN) == {}
    for offset in range(len(FOREIGN)):
        assert f"{topic}-{HOME} holds at offset {offset} no such record" in caplog.text


def test_a_key_that_was_deleted_is_no_record() -> None:
    assert collected(HEARTBEATS, None) == {}


def test_a_result_of_another_version_stops_the_sink_because_a_sum_must_be_whole() -> None:
    with pytest.raises(Fault, match=f"{CONVERSIONS}-{HOME} holds at offset 0 a result of another version"):
        collected(CONVERSIONS, b'{"type": "window", "campaign_id": "door"}')


@pytest.mark.parametrize("topic", [CONVERSIONS, DEAD_LETTERS])
def test_a_tombstone_where_nothing_is_deleted_is_a_foreign_record_and_is_counted(topic: str) -> None:
    taken = rows()
    taken.add(topic, batch(topic, None, None))
    assert (taken.take()[0], dict(taken.foreign)) == ({}, {topic: 2})


@pytest.mark.parametrize(
    "change",
    [
        {"record_time": "soon"},
        {"topic": "slices"},
        {"source_partition": -1},
        {"source_partition": 2**16},
        {"source_offset": -1},
        {"source_offset": 2**64},
        {"attempts": 2**16},
        {"full_length": -1},
    ],
)
def test_a_letter_that_the_store_would_refuse_is_left_out(change: dict[str, Any]) -> None:
    letter = dead_letter(
        Rejection(Reason.BAD_JSON, "", "x", "a JSON object"),
        processor=("attribution", "1"),
        source=("clicks", 0, 7),
        record_time_ms=AT_MS,
        key=b"r1",
        payload=b"x",
        headers=[],
    )
    assert len(collected(DEAD_LETTERS, msgspec.json.encode(letter))["dead_letters"]) == 1
    assert collected(DEAD_LETTERS, msgspec.json.encode(msgspec.structs.replace(letter, **change))) == {}
