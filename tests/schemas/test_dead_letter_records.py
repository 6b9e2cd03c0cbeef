"""A dead letter holds its record whole, whatever bytes that is made of."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec.rejections import Rejection
from schemas.dead_letters import ATTEMPTS_HEADER, DeadLetter, Headers, attempts_of, dead_letter, name_bytes
from schemas.reasons import Reason
from schemas.rows import dead_letter_row

REJECTION = Rejection(Reason.BAD_JSON, "", "{", "a JSON object")


def letter_of(
    key: bytes | None = b"r-1", payload: bytes | None = b"{", headers: Headers = (), record_time_ms: int = 0
) -> DeadLetter:
    return dead_letter(
        REJECTION,
        processor=("attribution", "0.1.0"),
        source=("clicks", 3, 41),
        record_time_ms=record_time_ms,
        key=key,
        payload=payload,
        headers=headers,
    )


def sent(letter: DeadLetter) -> DeadLetter:
    return msgspec.json.decode(msgspec.json.encode(letter), type=DeadLetter)


headers = st.lists(st.tuples(st.text(max_size=10), st.none() | st.binary(max_size=20)), max_size=4)


@given(st.none() | st.binary(max_size=50), st.none() | st.binary(max_size=200), headers)
def test_letter_keeps_key_payload_and_headers(key: bytes | None, payload: bytes | None, headers: Headers) -> None:
    letter = letter_of(key, payload, headers)
    assert sent(letter) == letter
    assert letter.key == key
    assert letter.payload == (payload or b"")
    assert [(name_bytes(name), content) for name, content in letter.headers] == [
        (name.encode(), content) for name, content in headers
    ]


def test_binary_is_base64_in_json() -> None:
    fields = json.loads(msgspec.json.encode(letter_of(b"\xff\x00", b"\x00\x80", [("trace", b"\xfe")])))
    assert (fields["key"], fields["payload"], fields["headers"]) == (
        base64.b64encode(b"\xff\x00").decode(),
        base64.b64encode(b"\x00\x80").decode(),
        [["trace", base64.b64encode(b"\xfe").decode()]],
    )
    assert fields["reason"] == "bad_json"


@pytest.mark.parametrize("record_time_ms", [-1, 0, 2**62, -(2**63)])
def test_any_record_time_can_be_told(record_time_ms: int) -> None:
    assert sent(letter_of(record_time_ms=record_time_ms)).record_time in (
        "1970-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
    )


@pytest.mark.parametrize(
    ("headers", "attempts"),
    [
        ([], 0),
        ([("other", b"5")], 0),
        ([(ATTEMPTS_HEADER, b"2")], 2),
        ([(ATTEMPTS_HEADER, b"x"), (ATTEMPTS_HEADER, b"3")], 3),
        ([(ATTEMPTS_HEADER, None)], 0),
        ([(ATTEMPTS_HEADER, b"")], 0),
        ([(ATTEMPTS_HEADER, b"-1")], 0),
        ([(ATTEMPTS_HEADER, b" 1")], 0),
        ([(ATTEMPTS_HEADER, "٣".encode())], 0),
        ([(ATTEMPTS_HEADER, b"9" * 5)], 0),
    ],
)
def test_attempts_are_counted_by_header(headers: Headers, attempts: int) -> None:
    assert attempts_of(headers) == attempts
    assert letter_of(headers=headers).attempts == attempts + 1


def test_row_of_a_letter_has_its_columns_and_the_first_copy_wins() -> None:
    letter = letter_of(None, b"{", [("empty", None), ("trace", b"\xfe")])
    row = dead_letter_row(letter, offset=7)
    assert set(row) == {*DeadLetter.__struct_fields__, "precedence"}
    assert row["precedence"] == -7
    assert json.loads(msgspec.json.encode(row))["headers"] == [["empty", ""], ["trace", "/g=="]]
