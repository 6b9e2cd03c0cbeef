"""Every sentence that msgspec has for an event's field becomes the reason that fits it."""

from __future__ import annotations

import json
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from contract_examples import golden, record_of

from schemas.codec.rejections import Rejection
from schemas.events import EVENTS
from schemas.reasons import Reason

INTEGERS = ("0", "-1", "7", "65536", "99999999999999999999", "-99999999999999999999", "9" * 5000, "-" + "9" * 5000)
SENT = {
    "null": ("null",),
    "boolean": ("true", "false"),
    "integer": INTEGERS,
    "float": ("1.5", "1.0", "1e2", "-0.0", "1E-400", "0." + "9" * 5000),
    "no float": ("1e999", "-1e999"),
    "text": ('"text"', '""', '"\\u00e9"'),
    "array": ("[]", "[1]"),
    "object": ("{}", '{"a": null}'),
}
PLACES = [
    (topic, field, kind, text)
    for topic, event in EVENTS.items()
    for field in event.__struct_fields__
    for kind, texts in SENT.items()
    for text in texts
]


def alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def fitting(hint: Any, kind: str, text: str, field: str) -> set[Reason | None]:
    """The reasons that fit a value of that kind in a field of that type; None: it may be accepted."""
    allowed = alternatives(hint)
    if kind == "null" and type(None) in allowed:
        return {None, Reason.KEY_MISMATCH}
    if int in allowed:
        if kind == "integer" and field == "schema_version":
            return {None} if text == "7" else {Reason.UNSUPPORTED_VERSION}
        return {
            "integer": {None, Reason.OUT_OF_RANGE},
            "no float": {Reason.OUT_OF_RANGE},
        }.get(kind, {Reason.WRONG_TYPE})
    if kind != "text":
        return {Reason.WRONG_TYPE}
    if get_origin(hint) is Literal or field == "channel":
        return {Reason.UNKNOWN_VALUE} | ({None} if field == "channel" else set())
    return {
        "campaign_id": {Reason.UNKNOWN_CAMPAIGN},
        "occurred_at": {Reason.BAD_TIME},
        "amount": {Reason.BAD_MONEY},
        "fee": {Reason.BAD_MONEY},
        "currency": {Reason.UNKNOWN_CURRENCY},
        "referral_id": {Reason.BAD_ID, Reason.KEY_MISMATCH},
    }.get(field, {None, Reason.BAD_ID})


def test_value_of_any_kind_in_any_field_has_a_fitting_reason() -> None:
    for topic, field, kind, text in PLACES:
        fields = golden(topic)[0]
        record = record_of(topic, fields)
        value = json.dumps(fields | {field: "@@"}).replace('"@@"', text).encode()
        verdict = record._replace(value=value).verdict()
        reason = verdict.reason if isinstance(verdict, Rejection) else None
        expected = fitting(get_type_hints(EVENTS[topic])[field], kind, text, field)
        assert reason in expected, (topic, field, text[:30], verdict)
        if isinstance(verdict, Rejection):
            assert verdict.field == ("campaign_id" if reason is Reason.KEY_MISMATCH and text == "null" else field)
            assert " - at " not in verdict.expectation
            assert "`" not in verdict.expectation


@pytest.mark.parametrize("topic", EVENTS)
def test_missing_field_is_named(topic: str) -> None:
    required = [field.name for field in msgspec.structs.fields(EVENTS[topic]) if field.required]
    for field in required:
        fields = golden(topic)[0]
        record = record_of(topic, fields)
        del fields[field]
        verdict = record._replace(value=json.dumps(fields).encode()).verdict()
        assert isinstance(verdict, Rejection)
        assert (verdict.reason, verdict.field) == (Reason.MISSING_FIELD, field)


@pytest.mark.parametrize("value", [b"[]", b"[{}]", b"1", b"1.5", b"1e999", b'"text"', b"null", b"true", b"9" * 5000])
@pytest.mark.parametrize("topic", EVENTS)
def test_what_is_no_object_is_called_so(topic: str, value: bytes) -> None:
    verdict = record_of(topic, golden(topic)[0])._replace(value=value).verdict()
    assert isinstance(verdict, Rejection)
    assert verdict.reason is Reason.NOT_AN_OBJECT
