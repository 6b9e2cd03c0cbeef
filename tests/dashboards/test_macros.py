"""Macros: the same SQL as Grafana makes, and nothing that a person chooses becomes SQL."""

from __future__ import annotations

from itertools import cycle

import pytest
from asking import Asked
from hypothesis import given
from hypothesis import strategies as st
from second_expansion import expand_again

from dashboards.boards import BOARDS, SPAN, VARIABLES
from dashboards.macros import ALL, Range, expand, quoted

FROM_MS, TO_MS = 1_773_334_800_123, 1_773_943_200_999
SPANS = [Range(FROM_MS, TO_MS, interval) for interval in (1000, 60_000, 3_600_000)]
EVERYTHING = """
SELECT $__timeInterval(at), $__timeInterval_ms(at), $__interval_s, $__fromTime, $__toTime, $__fromTime_ms, $__toTime_ms
WHERE $__timeFilter(at) AND $__timeFilter_ms(toDateTime64(at, 3)) AND $__dateFilter(toDate(at))
    AND $__conditionalAll(influencer_id IN (${influencer:singlequote}), $influencer)
    AND $__conditionalAll($__timeFilter(at), $campaign) AND campaign_id = ${campaign:singlequote}
"""
CHOICES = [
    {"campaign": ("door",), "influencer": ("author",)},
    {"campaign": ("o'neill",), "influencer": ("a", "b\\", "c'; DROP TABLE shares; --")},
    {"campaign": ("$__timeFilter(x)",), "influencer": (ALL,)},
    {"campaign": (ALL,), "influencer": ("${campaign:singlequote}", "")},
]
ASKED = [
    EVERYTHING,
    SPAN,
    *VARIABLES.values(),
    *(panel.sql for board in BOARDS for panel in board.panels),
    *(drawn.sql for board in BOARDS for drawn in board.annotations),
]


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("span", SPANS, ids=lambda span: f"{span.interval_ms} ms")
def test_two_expansions_written_apart_agree(span: Range, choice: dict[str, tuple[str, ...]]) -> None:
    for sql in ASKED:
        assert expand(sql, span, choice) == expand_again(sql, FROM_MS, TO_MS, span.interval_ms, choice)


def test_a_time_filter_is_as_the_plugin_writes_it() -> None:
    sql = expand("$__timeFilter(minute_end)", SPANS[0], {})
    assert sql == "minute_end >= toDateTime(1773334800) AND minute_end <= toDateTime(1773943200)"


HOSTILE = [
    "' OR 1=1 --", "\\' OR 1=1 --", "\\", "'", "''", "a\nb", "$__timeFilter(x)", "${campaign:singlequote}", "`", ")",
    "'; DROP TABLE shares; --", "/*", "{x:String}", "%s", "ä'ö",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_stays_a_value(value: str, door_store: Asked) -> None:
    sql = expand("SELECT ${influencer:singlequote} AS said", SPANS[0], {"influencer": (value,)})
    assert door_store.ask(sql)[2] == [(value,)]


def test_a_hostile_choice_finds_nothing(door_store: Asked) -> None:
    """One value a panel, in turn: that none of them leaves its quotes is proven above and below, without a panel."""
    panels = [panel for board in BOARDS for panel in board.panels if "campaign" in board.variables]
    assert len(panels) > len(HOSTILE)
    for panel, value in zip(panels, cycle(HOSTILE), strict=False):
        choice = {"campaign": (value,), "influencer": (value,)}
        assert door_store.ask(expand(panel.sql, SPANS[0], choice))[2] == [], (panel.title, value)


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=3))
def test_a_quoted_value_reads_back_as_itself(values: list[str]) -> None:
    rest, found = quoted(tuple(values)), []
    while rest:
        assert rest[0] == "'"
        at, value = 1, ""
        while rest[at] != "'":
            at += rest[at] == "\\"
            value += rest[at]
            at += 1
        found.append(value)
        rest = rest[at + 1 :].removeprefix(",")
    assert found == values


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT ${influencer:singlequote}", "nothing is chosen for the variable influencer"),
        ("SELECT $__conditionalAll(1, $kitchen)", "nothing is chosen for the variable kitchen"),
        ("SELECT $__columns(a)", r"there is no macro \$__columns"),
        ("WHERE $__timeFilter(toDate(at)", "not closed"),
    ],
)
def test_what_cannot_be_expanded_is_an_error(sql: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        expand(sql, SPANS[0], {"campaign": ("door",)})
