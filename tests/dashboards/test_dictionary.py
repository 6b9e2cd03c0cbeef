"""The data dictionary: true, whole, and without words for what is gone."""

from __future__ import annotations

import tomllib

from asking import Asked
from ground import ROOT

from dashboards.dictionary import SQL, as_markdown, entries
from dashboards.page.questions import DICTIONARY

MEANINGS = tomllib.loads((ROOT / "infra" / "clickhouse" / "views" / "meanings.toml").read_text(encoding="utf-8"))
EVERYWHERE = MEANINGS.pop("everywhere")


def test_the_file_is_what_the_views_say(empty_store: Asked) -> None:
    text = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert text == as_markdown(entries(empty_store.ask(SQL)[2])), "make dictionary"


def test_every_view_has_a_question_and_every_column_a_meaning(empty_store: Asked) -> None:
    dictionary = entries(empty_store.ask(SQL)[2])
    ours = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    views = {row["name"] for row in empty_store.rows(ours)}
    assert {entry.name for entry in dictionary} == views
    assert views >= {"leaderboard", "appeal_figures", "stall_states", "freshness", "influencer_gifts"}
    for entry in dictionary:
        assert "?" in entry.question, entry.name
        assert entry.columns
        for column in entry.columns:
            assert column.meaning, (entry.name, column.name)
            assert column.type


def test_no_meaning_is_left_of_a_column_that_is_gone(empty_store: Asked) -> None:
    there = {(view, column) for view, _, column, *_ in empty_store.ask(SQL)[2]}
    assert set(EVERYWHERE) <= {column for _, column in there}
    assert {(view, column) for view, columns in MEANINGS.items() for column in columns} <= there


def test_a_meaning_of_one_view_goes_before_the_names(empty_store: Asked) -> None:
    told = {(view, column): meaning for view, _, column, _, meaning in empty_store.ask(SQL)[2]}
    assert told["leaderboard", "conversion"].endswith("shrunken to the appeal's")
    assert told["current_conversions", "conversion"] == "donations for each click"
    assert told["leaderboard", "reach"] == EVERYWHERE["reach"]


def test_the_page_tells_the_same_meanings_and_names_views_of_others(empty_store: Asked) -> None:
    empty_store.client.command("CREATE OR REPLACE VIEW mine AS SELECT toUInt8(1) AS strange")
    try:
        told = {view: (question, columns) for view, question, columns in empty_store.ask(DICTIONARY)[2]}
    finally:
        empty_store.client.command("DROP VIEW mine")
    assert [tuple(column) for column in told.pop("mine")[1]] == [("strange", "UInt8", "")]
    for entry in entries(empty_store.ask(SQL)[2]):
        question, columns = told.pop(entry.name)
        assert question == entry.question
        assert [tuple(column) for column in columns] == list(entry.columns)
    assert not told
