"""Every panel's SQL on the real engine: the sample appeal, and an empty store."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime

import pytest
from asking import Asked

from dashboards.boards import BOARDS, SPAN, VARIABLES, board_of, panel_of
from dashboards.macros import Range, expand
from dashboards.panel import WIDTH, Board, Panel
from streams.producers.door import START_MS, TAIL_END_MS

SPAN_OF_DOOR = Range(START_MS - 3_600_000, TAIL_END_MS)
CHOICE = {"campaign": ("door",), "influencer": ("author",)}
PANELS = [pytest.param(board, panel, id=f"{board.uid}-{panel.id}") for board in BOARDS for panel in board.panels]
NUMBERS = re.compile(r"(Nullable\()?(U?Int|Float|Decimal)")
TEXTS = re.compile(r"(LowCardinality\(|Nullable\()*(String|Enum)")
TIMES = re.compile(r"(Nullable\()?DateTime")


def shown(panel: Panel, store: Asked) -> tuple[list[str], list[str], list[tuple]]:
    return store.ask(expand(panel.sql, SPAN_OF_DOOR, CHOICE))


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_panel_shows_the_sample_appeal(board: Board, panel: Panel, door_store: Asked) -> None:
    names, types, rows = shown(panel, door_store)
    assert rows, "no row"
    kinds = dict(zip(names, types, strict=True))
    for column in panel.columns:
        assert column.name in kinds, column.name
        assert _fits(column.unit, kinds[column.name]), (column.name, column.unit, kinds[column.name])
    assert any(value not in (None, "") for row in rows for value in row)
    match panel.kind:
        case "stat" | "text":
            assert len(rows) == 1
            assert set(names) == {column.name for column in panel.columns}
        case "table":
            assert set(names) == {column.name for column in panel.columns}
        case "bars":
            assert len(names) == 2
            assert TEXTS.match(types[0])
            assert NUMBERS.match(types[1])
        case "timeseries":
            _check_series(panel, names, types, rows)


def _check_series(panel: Panel, names: list[str], types: list[str], rows: list[tuple]) -> None:
    assert names[0] == "time"
    assert TIMES.match(types[0])
    times = [row[0] for row in rows]
    assert times == sorted(times)
    if TEXTS.match(types[1]):
        assert len(names) == 3
        assert NUMBERS.match(types[2])
        assert len({row[:2] for row in rows}) == len(rows), "a line has two points at one time"
    else:
        assert all(NUMBERS.match(kind) for kind in types[1:])
        assert names[1:] == [column.name for column in panel.columns]
        assert len(set(times)) == len(times)


def _fits(unit: str, kind: str) -> bool:
    if unit == "text":
        return bool(TEXTS.match(kind))
    if unit == "datetime":
        return bool(TIMES.match(kind))
    return bool(NUMBERS.match(kind))


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_panel_of_an_empty_store_is_no_error(board: Board, panel: Panel, empty_store: Asked) -> None:
    _, _, rows = shown(panel, empty_store)
    assert panel.empty
    if panel.kind in ("timeseries", "bars", "table", "text") and panel.title != "Funnel":
        assert rows == []
    else:
        assert len(rows) <= 6


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_rows_of_a_board_leave_no_gaps(board: Board) -> None:
    for row in board.rows:
        width, heights = 0, set()
        for panel in row.panels:
            width += panel.width
            heights.add(panel.height)
            assert width <= WIDTH, f"{row.title}: {panel.title} does not fit its line"
            if width == WIDTH:
                assert len(heights) == 1, f"{row.title}: panels of a line have heights {heights}"
                width, heights = 0, set()
        assert width == 0, f"{row.title}: the last line is not full"


def test_ids_are_unique_on_their_board() -> None:
    for board in BOARDS:
        assert Counter(panel.id for panel in board.panels).most_common(1)[0][1] == 1
    assert len({board.uid for board in BOARDS}) == len(BOARDS)


def test_ids_that_alerts_link_to_stay() -> None:
    assert panel_of("groundswell-appeal", 1).title == "How it stands"
    assert panel_of("groundswell-influencer", 1).title == "How they stand"
    assert panel_of("groundswell-pipeline", 1).title == "Freshness"
    assert panel_of("groundswell-pipeline", 8).title == "Dead letters"


def test_an_unknown_board_or_panel_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="no board groundswell-kitchen"):
        board_of("groundswell-kitchen")
    with pytest.raises(KeyError, match="no panel 999"):
        panel_of("groundswell-appeal", 999)


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_panel_asks_one_view(board: Board, panel: Panel, door_store: Asked) -> None:
    views = {row["name"] for row in door_store.rows("SELECT name FROM system.tables WHERE engine = 'View'")}
    asked = re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", panel.sql)
    assert len(asked) == 1
    assert set(asked) <= views


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_variables_of_a_panel_are_its_boards(board: Board, panel: Panel) -> None:
    used = set(re.findall(r"\$\{(\w+)", panel.sql))
    assert used <= set(board.variables)
    assert panel.sql.count("$__timeFilter") == (panel.kind == "timeseries")


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_annotations_are_times_and_texts(board: Board, door_store: Asked, stalled_store: Asked) -> None:
    for drawn in board.annotations:
        store = stalled_store if drawn.name == "Stalls" else door_store
        names, types, rows = store.ask(expand(drawn.sql, SPAN_OF_DOOR, CHOICE))
        assert names == ["time", "timeEnd", "text", "tags"]
        assert [bool(TIMES.match(kind)) for kind in types] == [True, True, False, False]
        assert rows


def test_a_healthy_appeal_has_no_stalls(door_store: Asked) -> None:
    [incidents] = [found for found in board_of("groundswell-appeal").annotations if found.name == "Stalls"]
    assert door_store.ask(expand(incidents.sql, SPAN_OF_DOOR, CHOICE))[2] == []
    [state] = golden(panel_of("groundswell-appeal", 1), door_store)
    assert state["state"] == "tail"


def test_a_stall_that_is_over_is_a_region(stalled_store: Asked) -> None:
    [incidents] = [found for found in board_of("groundswell-appeal").annotations if found.name == "Stalls"]
    _, _, rows = stalled_store.ask(expand(incidents.sql, SPAN_OF_DOOR, CHOICE))
    assert [(row[3], (row[1] - row[0]).total_seconds() / 60) for row in rows] == [("slow", 60), ("stalled", 140)]


def test_variables_offer_what_there_is_the_best_guess_first(door_store: Asked) -> None:
    names, _, campaigns = door_store.ask(expand(VARIABLES["campaign"], SPAN_OF_DOOR, {}))
    assert names == ["value", "text"]
    assert campaigns[0] == ("door", "The door")
    _, _, influencers = door_store.ask(expand(VARIABLES["influencer"], SPAN_OF_DOOR, CHOICE))
    assert influencers[0] == ("author", "author")
    assert len(influencers) == 43


def test_the_span_of_a_played_appeal_holds_it_all(door_store: Asked) -> None:
    _, _, [(first, last)] = door_store.ask(expand(SPAN, SPAN_OF_DOOR, CHOICE))
    assert (first, last) == (datetime(2026, 3, 12, 17), datetime(2026, 3, 19, 17, 55))


def golden(panel: Panel, store: Asked) -> list[dict]:
    names, _, rows = shown(panel, store)
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_panels_tell_the_golden_figures(door_store: Asked) -> None:
    appeal = {panel.title: golden(panel, door_store) for panel in board_of("groundswell-appeal").panels}
    [raised], [late], [clock] = appeal["Raised"], appeal["Late money"], appeal["Clock"]
    assert (raised["gross"], raised["goal"], raised["part_of_goal"]) == (5900, 5000, pytest.approx(1.18))
    assert (late["gross_late"], late["donations_late"]) == (1548, 30)
    assert (clock["phase"], clock["hours_left"], round(clock["hours_of_tail"])) == ("tail", None, 120)
    assert appeal["Money over time"][-1]["gross"] == 5900
    assert sum(row["gross"] for row in appeal["Money per hour"]) == 5900
    funnel = {row["stage"]: row["events"] for row in appeal["Funnel"]}
    assert funnel == {
        "shares": 446, "impressions, measured": 18_619, "impressions, sampled": 105_125,
        "impressions, estimated": 3_002_400, "clicks": 6470, "donations": 122,
    }  # fmt: skip
    assert {row["tie"]: row["donors"] for row in appeal["Ties of the donors"]} == {"strong": 62, "weak": 30}
    [celebrities] = appeal["Celebrities"]
    assert (celebrities["donations"], celebrities["impressions_estimated"]) == (1, 3_002_400)
    bounds = celebrities["per_million_low"], celebrities["per_million_high"]
    assert bounds == (pytest.approx(0.0084, abs=1e-4), pytest.approx(1.856, abs=1e-3))
    assert appeal["Shared, did not give"] == [{"never_gave": 226, "lowest": 226, "highest": 366, "naive": 354}]
    assert appeal["Conversion now"][-1]["counted"] == "122 of 6470 clicks"


def test_the_money_of_an_influencer_is_drawn_to_where_it_is_known(door_store: Asked) -> None:
    rows = golden(panel_of("groundswell-influencer", 7), door_store)
    assert (rows[0]["time"], rows[0]["gross"]) == (datetime(2026, 3, 12, 18), 0)
    assert (rows[-1]["time"], rows[-1]["gross"]) == (datetime(2026, 3, 19, 17, 55), 3270)


def test_the_pipeline_board_says_that_history_is_played_and_nothing_is_missing(door_store: Asked) -> None:
    pipeline = {panel.title: golden(panel, door_store) for panel in board_of("groundswell-pipeline").panels}
    [freshness], [alive] = pipeline["Freshness"], pipeline["Alive"]
    assert (freshness["kind"], freshness["seconds_behind"]) == ("history", None)
    assert 0 <= alive["alive_seconds"] < 600
    assert [row["difference"] for row in pipeline["Accounting"]] == [0, 0, 0, 0]
    once, again = 446 + 2 + 6470 + 1660 + 122 + 31, sum(row["duplicates"] for row in pipeline["Accounting"])
    assert again == 92
    assert sum(row["records"] for row in pipeline["Throughput"]) == once + again
    silent = {row["feed"]: row["minutes_silent"] for row in pipeline["Feeds"]}
    assert {feed.split("/")[0] for feed in silent} == {"shares", "clicks", "impressions", "donations"}
    assert all(minutes <= 5 for minutes in silent.values())
