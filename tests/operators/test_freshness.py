"""Freshness is of the topic that is furthest behind."""

from __future__ import annotations

from schemas.topics import CLICKS, IMPRESSIONS, SHARES
from streams.operators.attribution.emission import folded_up_to
from streams.operators.attribution.state import Attribution

ENDS = {SHARES: 3, CLICKS: 5, IMPRESSIONS: 9}


def state_at(**positions: int) -> Attribution:
    return Attribution(0, positions=positions, clocks={SHARES: 3000, CLICKS: 2000, IMPRESSIONS: 1000})


def test_a_small_topic_that_is_read_does_not_hide_a_large_one_that_is_not() -> None:
    assert folded_up_to(state_at(shares=3, clicks=5, impressions=4), ENDS) == 1000
    assert folded_up_to(state_at(shares=3, clicks=4, impressions=9), ENDS) == 2000


def test_where_all_is_read_it_is_the_newest_record() -> None:
    assert folded_up_to(state_at(shares=3, clicks=5, impressions=9), ENDS) == 3000
    assert folded_up_to(state_at(shares=3, clicks=5, impressions=9), {}) == 3000


def test_nothing_was_folded_yet() -> None:
    assert folded_up_to(Attribution(0), ENDS) == 0
