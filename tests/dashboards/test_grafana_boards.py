"""Boards as Grafana gets them: fresh, readable by Grafana's own schema, and saying what the panels say."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asking import Asked
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from ground import ROOT

from dashboards.boards import BOARDS, WINDOWS
from dashboards.grafana.__main__ import stale, write
from dashboards.grafana.boards import FIRST_ROW_ID, board_json
from dashboards.grafana.complete import NOT_YET, said, stretch
from dashboards.grafana.fields import COMPLETE_UP_TO, UNITS
from dashboards.grafana.panels import line_label
from dashboards.grafana.query import register
from dashboards.macros import Range, expand
from dashboards.panel import WIDTH, Board, Panel
from streams.producers.door import START_MS

WHOLE = Range(START_MS - 3_600_000, START_MS + 8 * 86_400_000)
HOUR_MS = 3_600_000
CHOICE = {"campaign": ("door",), "influencer": ("author",)}
EVERY_PANEL = [pytest.param(board, panel, id=f"{board.uid}-{panel.id}") for board in BOARDS for panel in board.panels]
EVERY_BOARD = [pytest.param(board, id=board.uid) for board in BOARDS]


def loaded(board: Board) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "dashboards" / "json" / f"{board.uid}.json").read_text())
    return content


def drawn(board: Board, panel: Panel) -> dict[str, Any]:
    [found] = [one for one in loaded(board)["panels"] if one["id"] == panel.id and one["type"] != "row"]
    return dict(found)


def overrides(panel: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Properties by column."""
    return {
        one["matcher"]["options"]: {setting["id"]: setting["value"] for setting in one["properties"]}
        for one in panel["fieldConfig"]["overrides"]
    }


def test_checked_in_files_are_what_make_dashboards_writes() -> None:
    assert stale() == [], "run make dashboards"


def test_make_dashboards_mends_what_was_edited_and_removes_what_nobody_defines(tmp_path: Any) -> None:
    shutil.copytree(ROOT / "dashboards" / "json", tmp_path / "dashboards" / "json")
    edited, forgotten = (tmp_path / "dashboards" / "json" / name for name in ("groundswell-appeal.json", "old.json"))
    whole = edited.read_text()
    edited.write_text(whole.replace("Money", "Geld"))
    forgotten.write_text("{}")
    assert {path.name for path in write(tmp_path)} == {edited.name, forgotten.name, "rules.yaml"}
    assert edited.read_text() == whole
    assert not forgotten.exists()
    assert write(tmp_path) == []


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_a_board_survives_the_round_trip_through_grafanas_schema(board: Board) -> None:
    register()
    content = loaded(board)
    assert json.loads(JSONEncoder().encode(Dashboard.from_json(content))) == with_placement(content)


def with_placement(content: dict[str, Any]) -> dict[str, Any]:
    # The SDK's own links would say that they belong into the menu of controls; ours do not, so that they are seen.
    return {**content, "links": [{**link, "placement": "inControlsMenu"} for link in content["links"]]}


@pytest.mark.parametrize(("board", "panel"), EVERY_PANEL)
def test_a_panel_asks_its_own_sql_of_the_one_data_source(board: Board, panel: Panel) -> None:
    shown = drawn(board, panel)
    [target] = shown["targets"]
    assert target["rawSql"] == panel.sql.strip()
    assert target["editorType"] == "sql"
    assert (target["queryType"], target["format"]) == (
        ("timeseries", 0) if panel.kind == "timeseries" else ("table", 1)
    )
    assert target["datasource"] == shown["datasource"] == {"type": "grafana-clickhouse-datasource", "uid": "clickhouse"}


@pytest.mark.parametrize(("board", "panel"), EVERY_PANEL)
def test_a_panel_says_its_title_its_question_and_what_to_show_when_empty(board: Board, panel: Panel) -> None:
    shown = drawn(board, panel)
    assert shown["title"] == panel.title
    assert shown["description"].startswith(panel.question)
    assert shown["fieldConfig"]["defaults"]["noValue"] == panel.empty
    for step in (*panel.thresholds, *(step for column in panel.columns for step in column.thresholds)):
        assert step.word in shown["description"], "a colour is also a word"


@pytest.mark.parametrize(("board", "panel"), [one for one in EVERY_PANEL if one.values[1].kind != "bars"])
def test_columns_have_their_titles_and_units(board: Board, panel: Panel) -> None:
    found = overrides(drawn(board, panel))
    for column in panel.columns:
        assert found[column.name]["displayName"] == column.title
        assert found[column.name].get("unit") == UNITS[column.unit]


@pytest.mark.parametrize(("board", "panel"), [one for one in EVERY_PANEL if one.values[1].kind == "timeseries"])
def test_lines_are_named_by_the_text_column_where_there_is_one(board: Board, panel: Panel, door_store: Asked) -> None:
    names, types, _ = door_store.ask(expand(panel.sql, WHOLE, CHOICE))
    texts = [name for name, kind in zip(names, types, strict=True) if "String" in kind]
    assert [line_label(panel)] == (texts or [None])
    shown = drawn(board, panel)["fieldConfig"]["defaults"].get("displayName")
    assert shown == (f"${{__field.labels.{texts[0]}}}" if texts else None)
    assert len(texts) <= 1
    assert re.search(r"ORDER BY time\b(?! DESC)", panel.sql), "the plugin refuses times that do not ascend"


def test_lines_of_rates_have_as_many_decimals_as_the_smallest_needs() -> None:
    lines = [one.values for one in EVERY_PANEL if (one.values[1].kind, one.values[1].unit) == ("timeseries", "percent")]
    assert len(lines) == 2
    for board, panel in lines:
        shown = drawn(board, panel)
        # 62.5 gifts for a million viewers are 0.00625 %: a fixed number of decimals is too few, or too many for clicks.
        assert "decimals" not in shown["fieldConfig"]["defaults"]
        assert all("decimals" not in found for found in overrides(shown).values())


def test_bars_begin_at_nothing_and_are_not_red() -> None:
    bars = [drawn(*one.values) for one in EVERY_PANEL if one.values[1].kind == "bars"]
    assert bars
    for shown in bars:
        assert shown["fieldConfig"]["defaults"]["min"] == 0
        assert shown["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["color"] == "blue"


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_panels_fill_the_board_without_gaps_or_overlaps(board: Board) -> None:
    taken: set[tuple[int, int]] = set()
    bottom = 0
    for panel in loaded(board)["panels"]:
        place = panel["gridPos"]
        bottom = max(bottom, place["y"] + place["h"])
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies on another"
        taken |= cells
    assert len(taken) == WIDTH * bottom, "there is a gap"


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_ids_are_those_of_the_panels_and_given_once(board: Board) -> None:
    ids = [panel["id"] for panel in loaded(board)["panels"]]
    assert len(ids) == len(set(ids))
    assert {one for one in ids if one < FIRST_ROW_ID} == {panel.id for panel in board.panels}


def test_the_leaderboard_leads_to_the_influencer_with_campaign_and_time_kept() -> None:
    [panel] = [panel for panel in BOARDS[0].panels if panel.title == "Leaderboard"]
    [link] = overrides(drawn(BOARDS[0], panel))["influencer_id"]["links"]
    address = "/d/groundswell-influencer?${campaign:queryparam}&var-influencer=${__value.raw:percentencode}"
    assert link["url"] == address + "&${__url_time_range}"


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_every_board_leads_to_the_others_in_sight(board: Board) -> None:
    links = [link["url"].partition("?")[0] for link in loaded(board)["links"] if link["title"] != "The whole appeal"]
    assert sorted(links) == sorted(f"/d/{other.uid}" for other in BOARDS if other is not board)
    assert all("placement" not in link for link in loaded(board)["links"])


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_variables_are_asked_of_the_store(board: Board, door_store: Asked) -> None:
    found = {one["name"]: one for one in loaded(board)["templating"].get("list", [])}
    assert set(board.variables) <= set(found)
    for name, variable in found.items():
        assert variable["query"]["editorType"] == "sql"
        rows = door_store.rows(expand(variable["query"]["rawSql"], WHOLE, CHOICE))
        assert rows, name
        if name in CHOICE:
            assert rows[0]["value"] == CHOICE[name][0], "the best guess is first"
        elif name in WINDOWS:
            assert rows == [{"value": {"trend_window": "6h", "longest_window": "48h"}[name]}]
        elif name != COMPLETE_UP_TO:
            assert re.fullmatch(r"\d{13}", rows[0]["value"]), "milliseconds, as the address of a board takes them"


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_annotations_are_regions_and_moments_of_the_store(
    board: Board, door_store: Asked, stalled_store: Asked
) -> None:
    drawn_over = [one for one in loaded(board)["annotations"].get("list", []) if not one.get("builtIn")]
    assert [one["name"] for one in drawn_over] == [NOT_YET, *(one.name for one in board.annotations)]
    for annotation in drawn_over:
        assert annotation["enable"]
        assert annotation["iconColor"]
        # The sample appeal is healthy: nothing is drawn over it for a stall.
        store = stalled_store if annotation["name"] == "Stalls" else door_store
        names, _, rows = store.ask(expand(annotation["target"]["rawSql"], WHOLE, CHOICE))
        assert names == ["time", "timeEnd", "text", "tags"]
        if annotation["name"] == "Stalls":
            assert any(end is not None for _, end, _, _ in rows), "an incident that is over is a region"


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_every_board_says_up_to_when_it_is_complete(board: Board) -> None:
    assert any(column.title in ("Complete up to", "Read up to") for panel in board.panels for column in panel.columns)


@pytest.mark.parametrize(("board", "panel"), EVERY_PANEL)
def test_every_panel_says_up_to_when_it_is_complete(board: Board, panel: Panel) -> None:
    assert drawn(board, panel)["description"].endswith("\n\nComplete up to: ${complete_up_to}")
    [variable] = [one for one in loaded(board)["templating"]["list"] if one["name"] == COMPLETE_UP_TO]
    assert (variable["hide"], variable["refresh"]) == (2, 2), "hidden, and asked anew with every refresh of the board"


@pytest.mark.parametrize(("board", "minute"), [(one, "18:00" if not one.variables else "17:55") for one in BOARDS])
def test_what_every_panel_says_is_the_stores(board: Board, minute: str, door_store: Asked, empty_store: Asked) -> None:
    sql = expand(said(board), WHOLE, CHOICE)
    assert door_store.rows(sql) == [{"value": f"2026-03-19 {minute} UTC"}]
    assert empty_store.rows(sql) == [{"value": "no records yet"}]


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_what_is_not_complete_yet_is_a_stretch_of_every_chart(board: Board, door_store: Asked) -> None:
    [complete] = door_store.rows(expand(board.complete, WHOLE, CHOICE))
    known = complete["complete_up_to"]
    at = int(known.replace(tzinfo=UTC).timestamp() * 1000)

    def drawn_over(first: int, last: int) -> list[tuple[datetime, datetime, str]]:
        rows = door_store.rows(expand(stretch(board).sql, Range(at + first, at + last), CHOICE))
        return [(row["time"], row["timeEnd"], row["text"]) for row in rows]

    text = f"complete up to {known:%Y-%m-%d %H:%M} UTC"
    hour = timedelta(hours=1)
    assert drawn_over(-HOUR_MS, HOUR_MS) == [(known, known + hour, text)]
    assert drawn_over(-2 * HOUR_MS, 0) == []
    assert drawn_over(HOUR_MS, 2 * HOUR_MS) == [(known + hour, known + 2 * hour, text)], "no further than the chart"


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_a_board_is_generated_the_same_twice_and_knows_no_machine(board: Board) -> None:
    assert board_json(board) == board_json(board)
    content = loaded(board)
    assert (content["uid"], content["title"], content["timezone"]) == (board.uid, board.title, "utc")
    assert content["editable"] is False
    assert content["refresh"]
    assert "adhoc" not in {one["type"] for one in content["templating"].get("list", [])}
