"""Skipped offsets: whose they are, how many, and what comes after them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import skips
from schemas.skips import SKIPS_SCHEMA, Skip, Skips, in_words

PLACE = ("clicks", 3)
RANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)).map(lambda pair: (pair[0], sum(pair))), max_size=6)


def said(first: int, last: int, **more: object) -> Skip:
    return Skip(SKIPS_SCHEMA, *PLACE, first, last, "a bad disk", "2026-03-12T18:05:00.000Z", **more)  # type: ignore[arg-type]


@given(RANGES, st.integers(0, 40), st.integers(0, 40))
def test_ranges_that_overlap_are_one_set_of_offsets(ranges: list[tuple[int, int]], start: int, end: int) -> None:
    skipped = {offset for first, stop in ranges for offset in range(first, stop)}
    known = Skips({PLACE: ranges})
    assert known.count(PLACE, start, end) == len(skipped & set(range(start, end)))
    assert known.beyond(PLACE, start) == next(offset for offset in range(start, 100) if offset not in skipped)
    assert known.beyond(("clicks", 4), start) == start


def test_a_skip_of_one_role_is_not_the_others() -> None:
    found = [said(5, 5), said(7, 9, role="sink")]
    assert Skips.of(found, "sink", "x-").count(("x-clicks", 3), 0, 20) == 4
    assert Skips.of(found, "attribution", "x-").count(("x-clicks", 3), 0, 20) == 1


def test_a_skip_is_told_in_words() -> None:
    assert in_words(said(5, 5)) == "clicks, partition 3: offset 5 not read (1 in all): a bad disk"
    told = in_words(said(5, 8, gone=2, role="sink"))
    assert (
        told
        == "clicks, partition 3: offsets 5 to 8 not read by sink (4 in all, 2 of them gone from the log): a bad disk"
    )


@pytest.mark.parametrize("value", [None, b"", b"{}", b"[" * 100_000, skips.encode(said(9, 5)), b"\xff"])
def test_what_is_no_skip_skips_nothing(value: bytes | None) -> None:
    assert skips.decode(value) is None


def test_a_skip_survives_its_topic() -> None:
    assert skips.decode(skips.encode(said(5, 8, gone=2))) == said(5, 8, gone=2)
