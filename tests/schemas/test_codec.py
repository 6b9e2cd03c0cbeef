"""What the codec says of a record: stories, one a sentence."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from contract_examples import CODEC, DOOR, PARTITIONS, Record, golden, golden_records, record_of, rejected

from schemas.codec import MAXIMUM_LEVELS, MAXIMUM_MESSAGE_BYTES, Codec, key_of
from schemas.codec.rejections import SHOWN_CHARACTERS, Rejection
from schemas.events import EVENTS
from schemas.reasons import CODEC_REASONS, Reason
from schemas.times import DAY_MS, parse_ms

DONATION = golden("donations")[1]
CLICK = golden("clicks")[1]
SHARE = golden("shares")[1]


def reason(record: Record) -> Reason:
    verdict = record.verdict()
    assert isinstance(verdict, Rejection), verdict
    return verdict.reason


def with_value(record: Record, value: bytes) -> Record:
    return record._replace(value=value)


# -- accepted ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", golden_records(), ids=lambda record: f"{record.topic} {record.value[14:22]!r}")
def test_golden_example_is_an_event(record: Record) -> None:
    event, occurred_ms = record.verdict()
    assert type(event) is EVENTS[record.topic]
    sent = json.loads(record.value)
    assert {name: getattr(event, name) for name in event.__struct_fields__} == {
        name: sent.get(name) for name in event.__struct_fields__
    }
    assert occurred_ms == parse_ms(sent["occurred_at"])
    assert key_of(event) == record.key


@pytest.mark.parametrize("topic", EVENTS)
def test_golden_examples_hold_every_field_given_and_every_optional_one_left_out(topic: str) -> None:
    fields = msgspec.structs.fields(EVENTS[topic])
    required = {field.name for field in fields if field.required}
    examples = [{field.name for field in fields} & example.keys() for example in golden(topic)]
    assert set.union(*examples) == {field.name for field in fields}
    assert set.intersection(*examples) == required


def test_unknown_fields_are_ignored() -> None:
    plain, _ = record_of("clicks", CLICK).verdict()
    more, _ = record_of("clicks", CLICK | {"é": {"a": [1, 2.5, None]}, "huge": 10**400}).verdict()
    assert more == plain


def test_event_of_a_later_version_that_only_adds_fields_is_an_event() -> None:
    later = CLICK | {"schema_version": 2, "device": {"kind": "phone"}, "campaign_ids": ["door"]}
    verdict = record_of("clicks", later).verdict()
    assert not isinstance(verdict, Rejection)
    assert verdict[0].event_id == CLICK["event_id"]
    assert verdict[0].schema_version == 2


def test_of_a_field_given_twice_the_last_counts() -> None:
    record = record_of("clicks", CLICK)
    twice = with_value(record, b'{"visitor_id": "first", ' + record.value[1:])
    assert twice.verdict() == record.verdict()


def test_blanks_around_the_object_are_allowed() -> None:
    record = record_of("clicks", CLICK)
    assert with_value(record, b" \r\n\t" + record.value + b"\n").verdict() == record.verdict()


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_bytes_like_key_and_value_are_judged_like_bytes(kind: type) -> None:
    record = record_of("clicks", CLICK)
    like = record._replace(key=kind(record.key), value=kind(record.value))
    assert like.verdict() == record.verdict()
    nobodys = record._replace(key=kind(b"r-nobody"), value=kind(b"[1"))
    assert nobodys.verdict() == nobodys._replace(key=b"r-nobody", value=b"[1").verdict()
    assert isinstance(record._replace(key=kind(b"r-nobody")).verdict().value, str)


# -- rejected ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("example", "record"), [pytest.param(example, record, id=example["why"]) for example, record in rejected()]
)
def test_rejected_example_has_its_reason(example: dict[str, Any], record: Record) -> None:
    verdict = record.verdict()
    assert isinstance(verdict, Rejection), verdict
    assert (verdict.reason, verdict.field) == (example["reason"], example["field"])
    assert verdict.expectation


def test_rejected_examples_reach_every_reason_of_the_codec() -> None:
    assert {example["reason"] for example, _ in rejected()} == set(CODEC_REASONS)


@pytest.mark.parametrize(
    "value",
    [
        b"\xff",
        b'{"a":"\xc3\x28"}',
        json.dumps(CLICK).encode().replace(b"v-7f3a", b"v-\xff"),
        json.dumps(CLICK | {"unknown": "?"}).encode().replace(b"?", b"\xff"),
        json.dumps(CLICK | {"?": 1}).encode().replace(b"?", b"\xed\xa0\x80"),
        json.dumps(CLICK).encode("utf-16"),
        json.dumps(CLICK).encode("utf-8-sig"),
        json.dumps(CLICK).encode() + b"\x00",
        json.dumps(CLICK).encode()[:-1],
        json.dumps(CLICK).encode() * 2,
        json.dumps(CLICK).encode().replace(b'"schema_version": 1', b'"schema_version": Infinity'),
        json.dumps(CLICK).encode().replace(b'"schema_version": 1', b'"schema_version": 01'),
        json.dumps(CLICK).encode().replace(b'"schema_version": 1', b'"schema_version": "x", \'a\': 1'),
        b"   ",
        b'{"schema_version": true, "a": }',
        b"[1, 2",
    ],
)
def test_what_is_not_json_in_utf8_is_bad_json(value: bytes) -> None:
    assert reason(with_value(record_of("clicks", CLICK), value)) is Reason.BAD_JSON


@pytest.mark.parametrize("field", ["event_id", "referral_id", "visitor_id"])
@pytest.mark.parametrize("tail", ["\n", "\r", "\x00", " ", "\u2028", "é", "\ufeff", "\U0001f49c", "|", '"'])
def test_no_id_ends_in_what_cannot_be_seen(field: str, tail: str) -> None:
    fields = CLICK | {field: CLICK[field] + tail}
    assert reason(record_of("clicks", fields)) is Reason.BAD_ID


def test_ids_may_have_128_characters_and_no_more() -> None:
    assert isinstance(record_of("clicks", CLICK | {"referral_id": "r" * 128}).verdict(), tuple)
    assert reason(record_of("clicks", CLICK | {"referral_id": "r" * 129})) is Reason.BAD_ID


def test_fullwidth_digits_are_no_digits() -> None:
    wide = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))
    for field in ("amount", "fee", "occurred_at", "event_id"):
        sent = record_of("donations", DONATION)
        fields = DONATION | {field: DONATION[field].translate(wide)}
        expected = {"amount": Reason.BAD_MONEY, "fee": Reason.BAD_MONEY, "occurred_at": Reason.BAD_TIME}
        verdict = reason(with_value(sent, json.dumps(fields, ensure_ascii=False).encode()))
        assert verdict is expected.get(field, Reason.BAD_ID)


def test_message_may_have_64_kib_and_no_more() -> None:
    record = record_of("clicks", CLICK)
    assert isinstance(with_value(record, record.value.ljust(MAXIMUM_MESSAGE_BYTES)).verdict(), tuple)
    assert reason(with_value(record, record.value.ljust(MAXIMUM_MESSAGE_BYTES + 1))) is Reason.TOO_LARGE


def test_message_may_nest_256_levels_and_no_more() -> None:
    def nested(levels: int, opened: str, closed: str) -> Record:
        record = record_of("clicks", CLICK | {"more": 0})
        inner = opened * (levels - 1) + "0" + closed * (levels - 1)
        return with_value(record, record.value.replace(b'"more": 0', f'"more": {inner}'.encode()))

    for opened, closed in (("[", "]"), ('{"a":', "}"), ('{"\\"[{":', "}")):
        assert isinstance(nested(MAXIMUM_LEVELS, opened, closed).verdict(), tuple)
        assert reason(nested(MAXIMUM_LEVELS + 1, opened, closed)) is Reason.TOO_LARGE
    assert reason(with_value(record_of("clicks", CLICK), b"[" * MAXIMUM_MESSAGE_BYTES)) is Reason.TOO_LARGE


def test_brackets_in_texts_and_side_by_side_are_no_levels() -> None:
    fields = CLICK | {"text": "[{" * 2000 + '\\"', "wide": [[]] * 2000}
    assert isinstance(record_of("clicks", fields).verdict(), tuple)


def test_verdict_does_not_hang_on_how_deep_the_caller_is() -> None:
    records = [
        with_value(record_of("clicks", CLICK), value)
        for value in (
            record_of("clicks", CLICK | {"more": 0}).value.replace(b"0}", b"[" * 255 + b"]" * 255 + b"}"),
            b"[" * 512,
            b"[" * 513,
            b'{"a":' * 60_000,
        )
    ]

    def deeper(levels: int) -> list[object]:
        return deeper(levels - 1) if levels else [record.verdict() for record in records]

    assert deeper(250) == deeper(0)


# -- times ------------------------------------------------------------------------------------------------------


def test_event_may_be_a_day_ahead_of_its_record_and_fourteen_behind() -> None:
    record = record_of("clicks", CLICK)
    occurred = parse_ms(CLICK["occurred_at"])
    for ahead, expected in ((DAY_MS, None), (DAY_MS + 1, Reason.BAD_TIME)):
        verdict = record._replace(record_time_ms=occurred - ahead).verdict()
        assert getattr(verdict, "reason", None) is expected
    for behind, expected in ((14 * DAY_MS, None), (14 * DAY_MS + 1, Reason.BEYOND_HORIZON)):
        verdict = record._replace(record_time_ms=occurred + behind).verdict()
        assert getattr(verdict, "reason", None) is expected


@pytest.mark.parametrize(
    ("record_time_ms", "expected"),
    [
        (-1, Reason.BAD_TIME),
        (0, Reason.BAD_TIME),
        (-(2**63), Reason.BAD_TIME),
        (2**62, Reason.BEYOND_HORIZON),
        (2**63 - 1, Reason.BEYOND_HORIZON),
        (1_795_420_800_000_000, Reason.BEYOND_HORIZON),  # microseconds: the year 58862
    ],
)
def test_absurd_record_time_is_a_rejection_that_names_it(record_time_ms: int, expected: Reason) -> None:
    verdict = record_of("clicks", CLICK)._replace(record_time_ms=record_time_ms).verdict()
    assert isinstance(verdict, Rejection)
    assert verdict.reason is expected
    assert ("1970-01-01T00:00:00.000Z" if record_time_ms == 0 else f"{record_time_ms} ms") in verdict.expectation


def test_horizon_can_be_set() -> None:
    record = record_of("clicks", CLICK)
    late = record._replace(record_time_ms=record.record_time_ms + 2 * DAY_MS)
    assert isinstance(late.verdict(Codec({"door": DOOR}, PARTITIONS, horizon_days=3)), tuple)
    verdict = late.verdict(Codec({"door": DOOR}, PARTITIONS, horizon_days=1))
    assert isinstance(verdict, Rejection)
    assert verdict.reason is Reason.BEYOND_HORIZON
    assert "1 days" in verdict.expectation


@pytest.mark.parametrize(
    ("occurred_at", "accepted"),
    [
        ("2000-01-01T00:00:00Z", True),
        ("1999-12-31T23:00:00-01:00", True),
        ("2000-01-01T00:00:00+00:01", False),
        ("1999-12-31T23:59:59.999Z", False),
        ("2099-12-31T23:59:59.999Z", True),
        ("2100-01-01T00:00:00+01:00", True),
        ("2100-01-01T00:00:00Z", False),
        ("9999-12-31T23:59:59.999-23:59", False),
    ],
)
def test_event_is_of_the_years_2000_to_2099_in_utc(occurred_at: str, accepted: bool) -> None:
    verdict = record_of("clicks", CLICK | {"occurred_at": occurred_at}).verdict()
    assert isinstance(verdict, tuple) is accepted


# -- place ------------------------------------------------------------------------------------------------------


def test_key_of_a_direct_gift_is_its_campaign() -> None:
    direct = golden("donations")[2]
    record = record_of("donations", direct)
    assert record.key == b"door"
    for key in (None, b"", b"Door", b"door\n"):
        assert reason(record._replace(key=key)) is Reason.KEY_MISMATCH


@pytest.mark.parametrize("partition", [-1, 1, 2, 3, 4])
def test_every_partition_but_home_is_the_wrong_one(partition: int) -> None:
    record = record_of("clicks", CLICK)
    assert record.partition == 0
    assert reason(record._replace(partition=partition)) is Reason.WRONG_PARTITION


def test_home_hangs_on_the_number_of_partitions() -> None:
    record = record_of("clicks", CLICK | {"referral_id": "r-ben-1"})
    homes = {
        partitions: [
            home
            for home in range(partitions)
            if isinstance(record._replace(partition=home).verdict(Codec({"door": DOOR}, partitions)), tuple)
        ]
        for partitions in (1, 3, 4, 64)
    }
    assert all(len(home) == 1 for home in homes.values())


def test_unknown_campaigns_are_told_the_known_ones() -> None:
    verdict = record_of("clicks", CLICK | {"campaign_id": "nobody"}).verdict()
    assert isinstance(verdict, Rejection)
    assert "door" in verdict.expectation


# -- what a rejection says ---------------------------------------------------------------------------------------


def test_shown_value_is_short_whatever_was_sent() -> None:
    for field in ("visitor_id", "event_id", "occurred_at", "campaign_id"):
        verdict = with_value(record_of("clicks", CLICK), json.dumps(CLICK | {field: "é" * 9000}).encode()).verdict()
        assert isinstance(verdict, Rejection)
        assert len(verdict.value) == SHOWN_CHARACTERS


def test_value_of_any_type_is_shown_as_it_was_sent() -> None:
    record = record_of("donations", DONATION)
    for sent in ("40.00", "null", "true", '{"a":[1,2]}', "9" * 60_000, "[" + "9" * 5000 + "]", '"\\ud83d\\ude00"'):
        text = json.dumps(DONATION | {"kind": 0}).replace('"kind": 0', f'"kind": {sent}')
        verdict = with_value(record, text.encode()).verdict()
        assert isinstance(verdict, Rejection)
        assert verdict.field == "kind"
        assert verdict.value == sent.strip('"')[:SHOWN_CHARACTERS]


def test_words_of_a_list_are_told() -> None:
    verdict = record_of("shares", SHARE | {"kind": "retweet"}).verdict()
    assert verdict == Rejection(
        Reason.UNKNOWN_VALUE, "kind", "retweet", "one of original, repost, quote, own_post, email"
    )


def test_event_of_an_unknown_version_is_told_so_whatever_else_is_wrong() -> None:
    for version in (0, -1, 100, 65_536, 10**30):
        fields = {name: value for name, value in (CLICK | {"schema_version": version}).items() if name != "event_id"}
        assert reason(record_of("clicks", fields)) is Reason.UNSUPPORTED_VERSION


def test_codec_is_the_same_for_whoever_asks_twice() -> None:
    records = golden_records() + [record for _, record in rejected()]
    assert [record.verdict() for record in records] == [
        record.verdict(Codec(CODEC.campaigns, PARTITIONS)) for record in records
    ]
