"""The JSON Schema files are fresh, accept what the codec accepts and refuse what it refuses of an event alone."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from contract_examples import golden, record_of, rejected
from jsonschema import Draft202012Validator
from test_dead_letter_records import letter_of
from test_own_records import PROGRESS, RESULT, SLICE, WATERMARK

from schemas.events import EVENTS
from schemas.generate import FOLDER, main, schema_files
from schemas.reasons import Reason

# What a schema of the value cannot see: bytes, the record around it, the campaigns that exist.
BEYOND_A_SCHEMA = {
    Reason.EMPTY_MESSAGE,
    Reason.TOO_LARGE,
    Reason.BAD_JSON,
    Reason.BEYOND_HORIZON,
    Reason.UNKNOWN_CAMPAIGN,
    Reason.KEY_MISMATCH,
    Reason.WRONG_PARTITION,
}


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


VALIDATORS = {topic: validator(topic.removesuffix("s")) for topic in EVENTS}
# Its calendar and clock are those of a pattern, its integers may end in .0, and Python's `$` lets a newline pass.
TOO_FINE = {
    "before the year 2000",
    "after the year 2099",
    "no leap year",
    "a 60th second",
    "a millisecond more than a day ahead of its record",
    "a record without a time",
    "a channel with a newline behind",
    "a newline behind",
    "a count as a float",
    "a number that no float can hold",
}
SEEN_BY_A_SCHEMA = [
    pytest.param(example, id=example["why"])
    for example, _ in rejected()
    if example["reason"] not in BEYOND_A_SCHEMA and example["why"] not in TOO_FINE
]


def test_files_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out
    assert {path.name for path in FOLDER.iterdir()} == schema_files().keys()


def test_stale_file_is_found_and_mended(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemas.generate.FOLDER", tmp_path / "json")
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    (tmp_path / "json" / "click.schema.json").write_text("{}")
    (tmp_path / "json" / "forgotten.schema.json").write_text("{}")
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert {path.name: path.read_text() for path in (tmp_path / "json").iterdir()} == schema_files()


@pytest.mark.parametrize("topic", EVENTS)
def test_schema_accepts_the_golden_examples(topic: str) -> None:
    for fields in golden(topic):
        VALIDATORS[topic].validate(fields)


@pytest.mark.parametrize("topic", EVENTS)
def test_schema_asks_for_the_fields_that_the_struct_asks_for(topic: str) -> None:
    fields = msgspec.structs.fields(EVENTS[topic])
    schema = VALIDATORS[topic].schema
    assert list(schema["properties"]) == [field.name for field in fields]
    assert schema["required"] == [field.name for field in fields if field.required]
    assert schema.get("additionalProperties", True) is True


@pytest.mark.parametrize("example", SEEN_BY_A_SCHEMA)
def test_schema_refuses_what_the_codec_refuses(example: dict[str, Any]) -> None:
    assert not VALIDATORS[example["topic"]].is_valid(json.loads(example["payload"]))


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("5000", "JPY"), ("12.345", "KWD"), ("0.0001", "CLF"), ("0.10", "USD"), ("10", "USD"), ("5.0", "JPY"),
     ("0.00", "USD"), ("0", "JPY"), ("1.2345", "KWD"), ("1.234", "USD"), ("01", "USD"), ("1", "XXX"), ("1", "usd")],
)  # fmt: skip
def test_schema_and_codec_agree_on_money(amount: str, currency: str) -> None:
    fields = golden("donations")[0] | {"amount": amount, "currency": currency}
    accepted = isinstance(record_of("donations", fields).verdict(), tuple)
    assert VALIDATORS["donations"].is_valid(fields) is accepted
    with_fee = golden("donations")[0] | {"amount": "1", "fee": amount, "currency": currency}
    accepted = isinstance(record_of("donations", with_fee).verdict(), tuple)
    assert VALIDATORS["donations"].is_valid(with_fee) is accepted


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("dead-letter", letter_of(b"\xff", b"\x00", [("a", b"b"), ("none", None)])),
        ("slice", SLICE),
        ("progress", PROGRESS),
        ("window-result", RESULT),
        ("watermark", WATERMARK),
    ],
)
def test_schema_accepts_a_record_of_ours(name: str, record: msgspec.Struct) -> None:
    validator(name).validate(json.loads(msgspec.json.encode(record)))
