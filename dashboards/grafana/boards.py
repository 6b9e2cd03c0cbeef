"""A board of ours as the JSON of one of Grafana's."""

from __future__ import annotations

import json
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.boards import BOARDS, SPAN, VARIABLES, WINDOWS
from dashboards.grafana.complete import said, stretch
from dashboards.grafana.fields import COLOURS, COMPLETE_UP_TO
from dashboards.grafana.layout import places
from dashboards.grafana.panels import render
from dashboards.grafana.query import CLICKHOUSE, QueryBuilder
from dashboards.panel import Annotations, Board, Row

TAG: Final = "groundswell"
FIRST_ROW_ID: Final = 1000  # above all panels' ids, which alerts link to
LABELS: Final = {"campaign": "Campaign", "influencer": "Influencer"}


def board_json(board: Board) -> str:
    """The file of that board."""
    return json.dumps(json.loads(JSONEncoder().encode(_board(board).build())), indent=1, sort_keys=True) + "\n"


def _board(board: Board) -> build.Dashboard:
    built = (
        build.Dashboard(board.title)
        .uid(board.uid)
        .description(board.question)
        .tags([TAG])
        .timezone("utc")
        .time("now-48h", "now")
        .refresh("30s")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .readonly()
    )
    for variable in board.variables:
        built = built.with_variable(_chosen(variable))
    if "campaign" in board.variables:
        # A history lies before "the last 48 hours": one link shows the whole of it.
        built = built.with_variable(_hidden("chart_from", 1)).with_variable(_hidden("chart_until", 2))
        for name, sql in WINDOWS.items():
            built = built.with_variable(_variable(name, sql).hide(model.VariableHide.HIDE_VARIABLE))
        built = built.link(_whole(board))
    built = built.with_variable(_variable(COMPLETE_UP_TO, said(board)).hide(model.VariableHide.HIDE_VARIABLE))
    for other in BOARDS:
        if other.uid != board.uid:
            built = built.link(_to(other, board))
    for drawn in (stretch(board), *board.annotations):
        built = built.annotation(_annotations(drawn))
    number = FIRST_ROW_ID
    for thing, place in places(board):
        if isinstance(thing, Row):
            built = built.with_row(build.Row(thing.title).id(number).grid_pos(place).collapsed(False))
            number += 1
        else:
            built = built.with_panel(render(thing, place))
    return built


def _chosen(variable: str) -> build.QueryVariable:
    # The SQL's own order stands: the best guess first, which is what is chosen at the first visit.
    return _variable(variable, VARIABLES[variable].strip()).label(LABELS[variable])


def _hidden(name: str, which: int) -> build.QueryVariable:
    column = ("chart_from", "chart_until")[which - 1]
    sql = SPAN.strip().replace("chart_from, chart_until", f"toString(toUnixTimestamp({column}) * 1000) AS value", 1)
    return _variable(name, sql).hide(model.VariableHide.HIDE_VARIABLE)


def _variable(name: str, sql: str) -> build.QueryVariable:
    query: dict[str, Any] = {"refId": name, "queryType": "sql", "editorType": "sql", "rawSql": sql}
    return (
        build.QueryVariable(name)
        .datasource(CLICKHOUSE)
        .query(query)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.DISABLED)
        .multi(False)
        .include_all(False)
    )


def _annotations(annotations: Annotations) -> build.AnnotationQuery:
    return (
        build.AnnotationQuery()
        .name(annotations.name)
        .datasource(CLICKHOUSE)
        .enable(True)
        .hide(False)
        .icon_color(COLOURS[annotations.colour])
        .target(QueryBuilder(annotations.sql, "table", "annotation"))
    )


def _whole(board: Board) -> Builder[model.DashboardLink]:
    chosen = "&".join(f"${{{variable}:queryparam}}" for variable in board.variables)
    return _Link("The whole appeal", f"/d/{board.uid}?{chosen}&from=${{chart_from}}&to=${{chart_until}}", keep=False)


def _to(other: Board, board: Board) -> Builder[model.DashboardLink]:
    common = [variable for variable in board.variables if variable in other.variables]
    query = "&".join(f"${{{variable}:queryparam}}" for variable in common)
    return _Link(other.title, f"/d/{other.uid}" + (f"?{query}" if query else ""), keep=True)


class _Link(Builder[model.DashboardLink]):
    """A link above the panels.  The SDK's own would hide it in the menu of controls."""

    def __init__(self, title: str, url: str, keep: bool) -> None:
        self._link = _VisibleLink(title=title, url=url, icon="external link", tooltip=title, keep_time=keep)

    def build(self) -> model.DashboardLink:
        return self._link


class _VisibleLink(model.DashboardLink):
    def to_json(self) -> dict[str, object]:
        return {key: value for key, value in super().to_json().items() if key != "placement"}
