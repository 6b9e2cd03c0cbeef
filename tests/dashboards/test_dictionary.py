"""The data dictionary: true, whole, and without words for what is gone."""

from __future__ import annotations

import pytest
from asking import Asked
from ground import ROOT

from dashboards.dictionary import MEANINGS, MEANINGS_IN, SQL, as_markdown, entries, meaning_of
from dashboards.page.app import _explained
from dashboards.page.questions import DICTIONARY
from streams.commands.dictionary import rows_of


def test_the_file_is_what_the_views_say(empty_store: Asked) -> None:
    text = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert text == as_markdown(entries(rows_of(empty_store.client))), "make dictionary"


def test_every_view_has_a_question_and_every_column_a_meaning(empty_store: Asked) -> None:
    dictionary = entries(rows_of(empty_store.client))
    names = {entry.name for entry in dictionary}
    assert names >= {"leaderboard", "appeal_figures", "stall_states", "freshness", "shown_leaderboard", "shown_gifts"}
    for entry in dictionary:
        assert "?" in entry.question, entry.name
        assert entry.columns
        assert all(column.meaning and column.type for column in entry.columns)


def test_no_meaning_is_left_of_a_column_that_is_gone(empty_store: Asked) -> None:
    there = {(view, column) for view, _, column, _ in rows_of(empty_store.client)}
    assert set(MEANINGS) <= {column for _, column in there}
    assert set(MEANINGS_IN) <= there


def test_a_meaning_of_one_view_goes_before_the_names() -> None:
    assert meaning_of("leaderboard", "conversion").endswith("shrunken to the appeal's")
    assert meaning_of("current_conversions", "conversion") == "donations for each click"


def test_a_column_that_nobody_has_explained_is_found() -> None:
    with pytest.raises(KeyError, match="mystery"):
        entries([("leaderboard", "Who?", "mystery", "UInt8")])


def test_the_page_tells_the_same_meanings(empty_store: Asked) -> None:
    told = [_explained(*row) for row in empty_store.ask(DICTIONARY)[2]]
    meanings = {(view["view"], name): meaning for view in told for name, _, meaning in view["columns"]}
    assert meanings["leaderboard", "reach"] == MEANINGS["reach"]
    assert all(meanings.values())
    assert {view["view"] for view in told} == {entry.name for entry in entries(empty_store.ask(SQL)[2])}
    assert _explained("mine", "", [("strange", "UInt8", "")])["columns"] == [("strange", "UInt8", "")]
