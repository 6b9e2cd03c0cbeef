"""A dead letter fits into its topic whatever its record is, and says what it left out."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec.rejections import Rejection
from schemas.dead_letters import (
    CUT_HEADERS_BYTES,
    CUT_KEY_BYTES,
    CUT_PAYLOAD_BYTES,
    WHOLE_BYTES,
    DeadLetter,
    Headers,
    dead_letter,
    name_bytes,
    written_name,
)
from schemas.reasons import Reason
from schemas.topics import DEAD_LETTER_MESSAGE_BYTES, SOURCE_MESSAGE_BYTES

MIB = 1024 * 1024


def letter_of(key: bytes | None, payload: bytes, headers: Headers = ()) -> DeadLetter:
    return dead_letter(
        Rejection(Reason.TOO_LARGE, "", "n bytes", "at most 65536 bytes"),
        processor=("attribution", "1"),
        source=("clicks", 3, 2**62),
        record_time_ms=0,
        key=key,
        payload=payload,
        headers=headers,
    )


def test_what_a_broker_takes_uncompressed_stays_whole() -> None:
    payload = b"\xff" * (SOURCE_MESSAGE_BYTES - 1000)
    letter = letter_of(b"r1", payload, [("trace", b"7")])
    assert (letter.payload, letter.is_cut, letter.full_length, letter.digest) == (payload, False, 0, "")
    assert len(msgspec.json.encode(letter)) < DEAD_LETTER_MESSAGE_BYTES


@pytest.mark.parametrize(
    ("key", "payload", "headers"),
    [
        (b"r1", b"x" * (9 * MIB), []),
        (b"k" * (9 * MIB), b"{}", []),
        (None, b"{}", [("trace", b"x" * (9 * MIB))]),
        (None, b"{}", [("\x01" * (4 * MIB), None)]),
        (None, b"{}", [("\udcff" * (2 * MIB), None)]),
        (None, b"{}", [("", None)] * 1_000_000),
        (b"k" * (3 * MIB), b"x" * (3 * MIB), [("h" * MIB, b"x" * MIB)]),
    ],
    ids=["payload", "key", "header", "controls in a name", "bytes in a name", "headers", "all"],
)
def test_what_is_larger_is_cut_with_its_length_and_digest(key: bytes | None, payload: bytes, headers: Headers) -> None:
    letter = letter_of(key, payload, headers)
    assert len(msgspec.json.encode(letter)) < 1.5 * (CUT_PAYLOAD_BYTES + CUT_KEY_BYTES + CUT_HEADERS_BYTES)
    assert letter.payload == payload[:CUT_PAYLOAD_BYTES]
    assert letter.key == (key and key[:CUT_KEY_BYTES])
    assert (letter.full_length, letter.digest) == (len(payload), hashlib.sha256(payload).hexdigest())
    assert letter.headers == [(written_name(name), content) for name, content in headers][: len(letter.headers)]


def test_the_largest_letter_that_is_whole_fits() -> None:
    name = "\x01" * (WHOLE_BYTES // 6 - 100)
    for letter in (letter_of(None, b"", [(name, b"")]), letter_of(None, b"", [("", None)] * (WHOLE_BYTES // 64))):
        assert not letter.is_cut
        assert len(msgspec.json.encode(letter)) < DEAD_LETTER_MESSAGE_BYTES


@given(st.binary(max_size=12) | st.lists(st.sampled_from([b"\\", b"x", b"\xff", b"\xc3", b"\xa4"])).map(b"".join))
def test_the_name_of_a_header_is_written_so_that_its_bytes_can_be_had_back(name: bytes) -> None:
    written = written_name(name.decode("utf-8", "surrogateescape"))
    assert name_bytes(written) == name
    assert msgspec.json.decode(msgspec.json.encode(written)) == written
