"""The oracle: an event that keeps its contract, or a rejection with a reason from the list; nothing else, no exception.

What an event must keep is asked here in other words than the codec's: uuid, datetime and decimal of the standard
library, kafka-python's partitioner, and the JSON Schema files.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from contract_examples import CODEC, PARTITIONS, Record, golden_records
from hypothesis import given, settings
from hypothesis import strategies as st
from iso4217 import Currency
from jsonschema import Draft202012Validator
from kafka.partitioner.default import murmur2
from mutations import MUTATIONS

from schemas.codec.rejections import SHOWN_CHARACTERS, Rejection
from schemas.dead_letters import DeadLetter, dead_letter
from schemas.events import EVENTS, Click, Donation, Event, Impression, Share
from schemas.generate import schema_files
from schemas.reasons import CODEC_REASONS, Reason
from schemas.times import rfc3339

SEED = 20190623
MESSAGES = 100_000
GOLDEN = golden_records()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIELDS = {topic: set(event.__struct_fields__) for topic, event in EVENTS.items()}
NAMED = {Reason.MISSING_FIELD, Reason.WRONG_TYPE, Reason.UNKNOWN_VALUE, Reason.OUT_OF_RANGE, Reason.BAD_ID}
ID_CHARACTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@/+=-")
SCHEMAS = {
    topic: Draft202012Validator(json.loads(schema_files()[f"{topic.removesuffix('s')}.schema.json"]))
    for topic in EVENTS
}


class Sent(NamedTuple):
    """A record as a client hands it on."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def check(record: Record) -> Event | Rejection:
    """The verdict of a record, held to the oracle."""
    verdict = record.verdict()
    if isinstance(verdict, Rejection):
        check_rejection(record, verdict)
        return verdict
    event, occurred_ms = verdict
    check_event(record, event, occurred_ms)
    return event


def check_rejection(record: Record, rejection: Rejection) -> None:
    assert rejection.reason in CODEC_REASONS
    assert rejection.field in FIELDS[record.topic] | {""}
    assert rejection.field or rejection.reason not in NAMED
    assert rejection.expectation
    assert len(rejection.value) <= SHOWN_CHARACTERS
    if len(record.value or b"") > 4096:
        return  # takes long and tells nothing new
    letter = dead_letter(
        rejection,
        processor=("test", "0"),
        source=(record.topic, max(record.partition, 0), 7),
        record_time_ms=record.record_time_ms,
        key=record.key,
        payload=record.value,
        headers=[],
    )
    assert msgspec.json.decode(msgspec.json.encode(letter), type=DeadLetter) == letter


def check_event(record: Record, event: Event, occurred_ms: int) -> None:
    assert type(event) is EVENTS[record.topic]
    assert str(uuid.UUID(event.event_id)) == event.event_id.lower()
    assert event.campaign_id in CODEC.campaigns
    assert 1 <= event.schema_version <= 99
    moment = datetime.fromisoformat(event.occurred_at.upper().replace("Z", "+00:00"))
    assert moment - EPOCH == timedelta(milliseconds=occurred_ms)
    assert 2000 <= moment.astimezone(UTC).year < 2100
    assert -14 * 86_400_000 <= occurred_ms - record.record_time_ms <= 86_400_000
    assert datetime.fromisoformat(rfc3339(occurred_ms)) == moment
    name = event.campaign_id if event.referral_id is None else event.referral_id
    assert record.key == name.encode()
    assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % PARTITIONS
    for field in ids_of(event):
        assert field is None or (0 < len(field) <= 128 and set(field) <= ID_CHARACTERS and field[0].isalnum())
    check_details(event)
    again = record._replace(value=msgspec.json.encode(event)).verdict()
    assert again == (event, occurred_ms), "an event does not survive its own encoding"


def check_details(event: Event) -> None:
    match event:
        case Share():
            assert event.kind in ("original", "repost", "quote", "own_post", "email")
            assert event.tie in ("strong", "weak", "unknown")
            assert 0 <= event.audience <= 10**10
            assert re.fullmatch("[a-z][a-z0-9_-]*", event.channel)
            assert len(event.channel) <= 32
        case Impression():
            assert 1 <= event.count <= 10**12
            assert event.basis in ("measured", "sampled", "estimated")
        case Donation():
            digits = Currency(event.currency).exponent
            for amount in (event.amount, event.fee or "0"):
                assert set(amount) <= set("0123456789.")
                assert 0 <= Decimal(amount) < 10**12
                assert -Decimal(amount).as_tuple().exponent <= digits
            assert Decimal(event.amount) > 0
            assert event.kind in ("donation", "refund")
            assert event.tie in ("strong", "weak", "unknown")


def ids_of(event: Event) -> list[str | None]:
    match event:
        case Share():
            return [event.referral_id, event.influencer_id, event.sharer_id, event.parent_referral_id]
        case Click():
            return [event.referral_id, event.visitor_id]
        case Donation():
            return [event.referral_id, event.donation_id, event.donor_id]
        case _:
            return [event.referral_id]


def read(value: bytes) -> Any:
    """As `json.loads`, which refuses integers of more than 4,300 digits; the contract ignores fields unknown to it."""
    return json.loads(value, parse_int=lambda digits: int(digits[:4_000]))


def test_an_integer_of_any_length_in_a_field_that_is_ignored_is_no_matter() -> None:
    record = GOLDEN[0]
    fat = record._replace(value=record.value[:-1] + b', "more": ' + b"9" * 5_000 + b"}")
    assert not isinstance(check(fat), Rejection)
    assert SCHEMAS[fat.topic].is_valid(read(fat.value))


def spoilt(number: int) -> Record:
    """The record of that number: a golden one, spoilt once or twice."""
    chance = Random(SEED + number)
    record = GOLDEN[number % len(GOLDEN)]
    record = chance.choice(MUTATIONS)(record, chance)
    if record.value and chance.random() < 0.25:
        with suppress(ValueError, TypeError, AttributeError, IndexError, RecursionError):  # no JSON any more
            record = chance.choice(MUTATIONS)(record, chance)
    return record


@pytest.mark.slow
def test_whatever_the_bytes_the_verdict_is_an_event_or_a_rejection_from_the_list() -> None:
    seen: Counter[str] = Counter()
    for number in range(MESSAGES):
        record = spoilt(number)
        try:
            verdict = check(record)
        except Exception as error:
            raise AssertionError(f"message {number}: {record}") from error
        if isinstance(verdict, Rejection):
            seen[verdict.reason] += 1
            continue
        seen["accepted"] += 1
        if seen["accepted"] % 20 == 0:
            assert SCHEMAS[record.topic].is_valid(read(record.value)), f"message {number}: {record}"
    assert seen.keys() == {"accepted", *CODEC_REASONS}
    assert min(seen.values()) >= 50, seen


def verdicts_of(batch: list[Record]) -> list[tuple[Event, int] | Rejection]:
    """What is said of records of one topic and partition together, in their order."""
    topic, partition = batch[0].topic, batch[0].partition
    records = [Sent(place, one.record_time_ms, one.key, one.value) for place, one in enumerate(batch)]
    judged = CODEC.validate_batch(topic, partition, records)
    found: dict[int, tuple[Event, int] | Rejection] = dict(judged.rejections)
    accepted = judged.accepted
    for place, event, ms in zip(accepted.places.tolist(), accepted.events, accepted.occurred_ms.tolist(), strict=True):
        found[place] = event, ms
    assert accepted.places.tolist() == sorted(accepted.places.tolist())
    assert accepted.record_ms.tolist() == [batch[place].record_time_ms for place in accepted.places.tolist()]
    assert [str(UUID(event.event_id)) for event in accepted.events] == [
        str(UUID(bytes=halves.tobytes())) for halves in accepted.id_halves
    ]
    return [found[place] for place in range(len(batch))]


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 7, 500])
def test_a_batch_is_judged_as_each_of_its_records_is(size: int) -> None:
    """The short way passes nothing that the long way refuses, reads nothing otherwise, and mixes up no two records."""
    number = MESSAGES if size == 500 else MESSAGES // 20
    by_place: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in map(spoilt, range(number)):
        by_place[record.topic, record.partition].append(record)
    for record in GOLDEN * 20:  # beside the spoilt ones, so that most batches go both ways
        by_place[record.topic, record.partition].append(record)
    for records in by_place.values():
        for batch in batched(records, size):
            assert verdicts_of(batch) == [CODEC.validate(batch[0].topic, batch[0].partition, *one[2:]) for one in batch]


def batched(records: list[Record], size: int) -> list[list[Record]]:
    return [records[start : start + size] for start in range(0, len(records), size)]


@given(st.sampled_from(sorted(EVENTS)), st.binary(max_size=400) | st.none(), st.integers(-(2**63), 2**63 - 1))
@settings(max_examples=300, deadline=None)
def test_noise_is_rejected(topic: str, value: bytes | None, record_time_ms: int) -> None:
    assert isinstance(check(Record(topic, 0, value, value, record_time_ms)), Rejection)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(st.data())
@settings(max_examples=250, deadline=None)
def test_any_json_in_any_field_is_judged(data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(GOLDEN))
    fields = json.loads(record.value)
    name = data.draw(st.sampled_from(sorted(FIELDS[record.topic])))
    fields[name] = data.draw(JSON)
    value = json.dumps(fields, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass")
    check(record._replace(value=value))
