"""Levels of JSON are counted without decoding it, in time that is linear in its length."""

from __future__ import annotations

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec.nesting import deeper_than

JSON = st.recursive(
    st.none() | st.text(st.sampled_from('[]{}"\\a'), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"\\', max_size=3), inner, max_size=3),
    max_leaves=12,
)


def levels_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(levels_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(levels_of, value), default=0)
    return 0


@given(JSON, st.integers(0, 6))
def test_levels_are_those_of_the_decoded_value(value: object, levels: int) -> None:
    assert deeper_than(levels, json.dumps(value).encode()) is (levels_of(value) > levels)


@pytest.mark.parametrize(
    "value",
    [
        b'"' * 65_536,
        b'\\"' * 32_768,
        b'"\\' * 32_768,
        b'[{"a":"' + b'\\"' * 32_000,
        b"[]" * 32_768,
        b"[" * 300 + b'"' * 65_000,
    ],
)
def test_no_text_takes_long(value: bytes) -> None:
    began = process_time()
    deeper_than(256, value)
    assert process_time() - began < 1  # milliseconds where it is linear, minutes where it is not
