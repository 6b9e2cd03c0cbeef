"""A column of texts is what each of its texts is, asked by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafkas_murmur2

from schemas.codec.vectorized import ids, rfc3339_of, times_ms, uuids
from schemas.events import ID_PATTERN, UUID_PATTERN
from schemas.partitioning import murmur2_of_all, partition_of, partitions_of
from schemas.times import LAST_MS, parse_ms, rfc3339

PLAIN_TIME = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9][.][0-9]{3}Z")  # no leap second
times = st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z")
digits = st.from_regex(r"20[0-9]{2}-[0-3][0-9]-[0-3][0-9]T[0-2][0-9]:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z", fullmatch=True)

leaps = st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(lambda day: f"{day}T23:59:60.000Z")


def spoilt(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Such a text, or one with a character that is another, left out or too many."""

    def spoil(text: str, place: int, other: str, width: int) -> str:
        place %= len(text) + 1
        return text[:place] + other + text[place + width :]

    return st.builds(spoil, texts, st.integers(0, 40), st.text(max_size=2), st.integers(0, 2))


def columns(one: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.one_of(one, spoilt(one), st.text(max_size=40)), max_size=12)


def expected(texts: list[str], is_plain: Callable[[str], object]) -> list[bool]:
    return [bool(is_plain(text)) for text in texts]


@given(columns(st.uuids().map(str)))
@settings(max_examples=400, deadline=None)
def test_uuids_are_what_the_contract_calls_so_with_all_their_bits(texts: list[str]) -> None:
    good, halves = uuids(texts)
    assert good.tolist() == expected(texts, re.compile(UUID_PATTERN).fullmatch)
    for text, is_uuid, half in zip(texts, good, halves, strict=True):
        assert not is_uuid or UUID(text).bytes == half.tobytes()


@pytest.mark.slow
@given(columns(st.one_of(times, digits, leaps)))
@settings(max_examples=600, deadline=None)
def test_times_of_the_one_form_are_read_as_each_by_itself(texts: list[str]) -> None:
    good, ms = times_ms(texts)
    for text, is_plain, read in zip(texts, good.tolist(), ms.tolist(), strict=True):
        try:
            known = parse_ms(text)
        except ValueError:
            known = None
        assert is_plain == (known is not None and PLAIN_TIME.fullmatch(text) is not None), text
        assert not is_plain or read == known, text


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, LAST_MS)))
def test_a_column_of_times_is_written_as_each_by_itself(ms: list[int]) -> None:
    assert rfc3339_of(np.array(ms, np.int64)) == list(map(rfc3339, ms))


@given(columns(st.from_regex(ID_PATTERN, fullmatch=True)))
@settings(max_examples=400, deadline=None)
def test_no_text_is_an_id_that_is_none_by_itself(texts: list[str]) -> None:
    alone = expected(texts, re.compile(ID_PATTERN).fullmatch)
    assert ids(texts).tolist() == (alone if all(texts) else [False] * len(texts))


def test_ids_have_128_characters_at_most() -> None:
    assert ids(["r" * 128, "r" * 129, "r"]).tolist() == [True, False, True]


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(1, 64))
@settings(max_examples=200, deadline=None)
def test_keys_belong_where_kafkas_own_client_sends_them(keys: list[bytes], partitions: int) -> None:
    assert murmur2_of_all(keys).tolist() == [kafkas_murmur2(key) & 0xFFFFFFFF for key in keys]
    assert partitions_of(keys, partitions).tolist() == [partition_of(key, partitions) for key in keys]
