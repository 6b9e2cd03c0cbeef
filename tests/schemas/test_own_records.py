"""Records of our own: slices, progress, window results, watermarks, raw rows."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec
import pytest
from contract_examples import golden, record_of

from schemas import results, slices
from schemas.events import EVENTS, TIME_PATTERN, Click, Event
from schemas.results import Amounts, Watermark, WindowResult
from schemas.rows import raw_line
from schemas.slices import COUNTS, DIMENSIONS, DIRECT, SLICES_SCHEMA, UNATTRIBUTED, Entity, Progress, Slice
from schemas.times import parse_ms, rfc3339

BY_TOPIC = {"shares": 3, "clicks": 0}
SLICE = Slice(
    SLICES_SCHEMA, "door", "influencer", "anna", 1_773_338_460, 2, "a1b2", 17, [0] * 7, {"USD": [435_200, 0, 0]}
)
PROGRESS = Progress(
    SLICES_SCHEMA,
    2,
    "a1b2",
    17,
    1_773_338_400_000,
    False,
    BY_TOPIC,
    BY_TOPIC,
    BY_TOPIC,
    BY_TOPIC,
    BY_TOPIC,
    BY_TOPIC,
    BY_TOPIC,
)
WATERMARK = Watermark(
    0, 2, "2026-03-12T18:00:00.000Z", 0, 17, 99, "2026-03-12T18:00:01.000Z",
    BY_TOPIC, BY_TOPIC, BY_TOPIC, BY_TOPIC, BY_TOPIC, BY_TOPIC, BY_TOPIC,
)  # fmt: skip
RESULT = WindowResult(
    campaign_id="door",
    dimension="campaign",
    member="door",
    window="1h",
    window_end="2026-03-12T19:00:00.000Z",
    shares=446,
    impressions_measured=0,
    impressions_sampled=0,
    impressions_estimated=3_000_000,
    clicks=5000,
    donations=92,
    refunds=0,
    currency="USD",
    gross="4352.00",
    fee="0.00",
    refunded="0.00",
    net="4352.00",
    other_currencies={"JPY": Amounts("5000", "180", "0")},
    conversion=0.0184,
    per_impression=None,
    final=1,
    watermark="2026-03-12T19:00:00.000Z",
    version=99,
    computed_at="2026-03-12T19:05:00.000Z",
)


@pytest.mark.parametrize("record", [SLICE, PROGRESS])
def test_record_of_slices_survives_a_round_trip(record: slices.SliceRecord) -> None:
    assert slices.decode(slices.encode(record)) == record


def test_slice_may_hold_sums_beyond_64_bits() -> None:
    huge = msgspec.structs.replace(SLICE, counts=[2**70] * 7, money={"USD": [2**80, 0, -(2**80)]})
    assert slices.decode(slices.encode(huge)) == huge


@pytest.mark.parametrize("record", [SLICE, PROGRESS])
def test_record_of_another_schema_is_refused_by_name(record: slices.SliceRecord) -> None:
    other = msgspec.structs.replace(record, schema=SLICES_SCHEMA + 1)
    fields = json.loads(slices.encode(other))
    with pytest.raises(ValueError, match=r"^schema 2, this program speaks 1$"):
        slices.decode(json.dumps(fields).encode())
    del fields["version"]
    with pytest.raises(ValueError, match=r"^schema 2, this program speaks 1$"):
        slices.decode(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "spoilt",
    [
        {"counts": [0] * 6},
        {"counts": [0] * 8},
        {"money": {"USD": [1, 2]}},
        {"end": "x"},
        {"type": "other"},
        {"version": 1.5},
    ],
)
def test_slice_of_another_shape_is_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="at `"):
        slices.decode(json.dumps(json.loads(slices.encode(SLICE)) | spoilt).encode())


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b"null", b"\xff", b'{"type":"slice"}', b'{"type":"\xff"}'])
def test_what_is_no_record_of_ours_is_refused(value: bytes) -> None:
    for decode in (slices.decode, results.decode):
        with pytest.raises(ValueError, match=r"\w"):
            decode(value)


def test_keys_name_the_writer_last() -> None:
    writer = slices.SliceWriter(SLICE.source_partition, SLICE.incarnation, SLICE.version)
    [(key, _)] = writer.records(Entity("door", "influencer", "anna"), [(0, SLICE.end, SLICE.counts, None)])
    assert key == b"door|influencer|anna|1773338460|2|a1b2"
    assert slices.progress_key(PROGRESS) == b"progress|2|a1b2"


def test_entities_have_a_home_of_their_own() -> None:
    homes = {slices.home_of(Entity("door", "influencer", f"i-{number}"), 4) for number in range(50)}
    assert homes == set(range(4))


def test_slices_of_a_campaign_go_to_every_partition_all_others_to_their_home() -> None:
    for dimension in DIMENSIONS:
        entity = Entity("door", dimension, "door")
        everywhere = [0, 1, 2, 3] if dimension == "campaign" else [slices.home_of(entity, 4)]
        assert list(slices.destinations_of(entity, 4)) == everywhere


def test_members_of_our_own_cannot_be_ids() -> None:
    share = golden("shares")[0]
    for member in (UNATTRIBUTED, DIRECT):
        assert not isinstance(record_of("shares", share | {"influencer_id": member}).verdict(), tuple)
        assert not isinstance(record_of("shares", share | {"channel": member}).verdict(), tuple)


@pytest.mark.parametrize("result", [RESULT, WATERMARK])
def test_result_survives_a_round_trip(result: results.Result) -> None:
    assert results.decode(results.encode(result)) == result


def test_result_keys_are_of_the_entity_and_the_window() -> None:
    assert results.result_key(RESULT) == b"door|campaign|door|1h"
    assert results.result_key(WATERMARK) == b"watermark|0|2"


def test_results_have_a_column_for_every_count() -> None:
    assert set(COUNTS) <= set(WindowResult.__struct_fields__)
    assert len(set(DIMENSIONS)) == len(DIMENSIONS)


def raw_row(event: Event, **where: Any) -> dict[str, Any]:
    line = raw_line(event, **where)
    assert line.endswith(b"}\n"), "a line"
    row: dict[str, Any] = msgspec.json.decode(line)
    return row


WHERE: Final = {"record_time": "2026-03-12T18:00:01.000Z", "partition": 2, "offset": 41, "late": True}


@pytest.mark.parametrize("topic", EVENTS)
def test_a_raw_row_has_the_fields_of_the_event_and_where_it_came_from(topic: str) -> None:
    for fields in golden(topic):
        record = record_of(topic, fields)
        event, occurred_ms = record.verdict()
        row = raw_row(event, occurred_ms=occurred_ms, **WHERE)
        places = {"record_time", "late", "source_partition", "source_offset", "precedence"}
        assert set(row) == {*event.__struct_fields__, *places}
        assert (row["precedence"], row["late"], row["source_partition"], row["source_offset"]) == (-41, 1, 2, 41)
        assert row["event_id"] == fields["event_id"].lower()
        assert row["referral_id"] == (fields["referral_id"] or "")
        assert row["occurred_at"] == rfc3339(occurred_ms)
        assert row["record_time"] == WHERE["record_time"]
        own = set(event.__struct_fields__) - {"event_id", "referral_id", "occurred_at"}
        assert {name: row[name] for name in own} == {name: getattr(event, name) for name in own}


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-12T18:00:00.000Z",
        "2026-03-12t18:00:00.000Z",
        "2026-03-12T18:00:00.000z",
        "2026-03-12T18:00:00Z",
        "2026-03-12T18:00:00.0Z",
        "2026-03-12T20:00:00+02:00",
        "2026-03-12T20:00:00.00+02:00",
    ],
)
def test_a_raw_row_has_one_way_to_write_a_time(text: str) -> None:
    assert re.match(TIME_PATTERN, text)
    click = Click("A" * 8 + "-1111-4111-8111-111111111111", "door", "r", text, 1)
    row = raw_row(click, occurred_ms=parse_ms(text), **WHERE)
    assert (row["occurred_at"], row["event_id"][:8]) == ("2026-03-12T18:00:00.000Z", "a" * 8)


def test_a_raw_row_has_no_leap_second_for_the_store_has_none() -> None:
    record = record_of("clicks", next(iter(golden("clicks"))))
    event, _ = record.verdict()
    event = msgspec.structs.replace(event, occurred_at="2026-03-31T23:59:60.000Z")
    row = raw_row(event, occurred_ms=parse_ms(event.occurred_at), **WHERE)
    assert row["occurred_at"] == "2026-03-31T23:59:59.999Z"
