"""One panel of ours as one of Grafana's."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as words
from grafana_foundation_sdk.models import dashboard as model

from dashboards.grafana.fields import UNITS, decimals, description, properties, thresholds
from dashboards.grafana.query import CLICKHOUSE, QueryBuilder, QueryType
from dashboards.panel import Panel

Built = TypeVar("Built")

# `time, label, value`: the label names the line.
_LABELLED: Final = re.compile(r"AS time,\s*+(\w++),\s*+[^,]+?\sFROM\s", re.IGNORECASE)


def render(panel: Panel, place: model.GridPos) -> Builder[model.Panel]:
    """The SDK's builder of that panel, at that place of its board."""
    return _RENDERERS[panel.kind](panel).grid_pos(place)  # type: ignore[no-any-return]  # the SDK's panels share no base


def _stat(panel: Panel) -> stat.Panel:
    # Every column of the one row is a value; the default would take the numbers alone.
    shown = common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields("/.*/")
    built = (
        stat.Panel()
        .reduce_options(shown)
        .orientation(words.VizOrientation.AUTO)
        .text_mode(words.BigValueTextMode.VALUE_AND_NAME)
        .color_mode(words.BigValueColorMode.VALUE)
        .graph_mode(words.BigValueGraphMode.NONE)
        .thresholds(thresholds(panel.thresholds))
    )
    return _with_columns(_common(built, panel, "table"), panel)


def _text(panel: Panel) -> table.Panel:
    # A stat would shrink a sentence until nobody can read it; a table cell wraps it.
    return _table(panel)


def _table(panel: Panel) -> table.Panel:
    built = table.Panel().show_header(True).cell_height(words.TableCellHeight.SM)
    return _with_columns(_common(built, panel, "table"), panel, coloured="color-background")


def _timeseries(panel: Panel) -> timeseries.Panel:
    legend = (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(words.LegendDisplayMode.LIST)
        .placement(words.LegendPlacement.BOTTOM)
        .calcs([])
    )
    built = (
        timeseries.Panel()
        .legend(legend)
        .tooltip(common.VizTooltipOptions().mode(words.TooltipDisplayMode.MULTI).sort(words.SortOrder.DESCENDING))
        .span_nulls(False)
        .line_width(2)
        .axis_soft_min(0)
        .interval("1m")
        .thresholds(thresholds(panel.thresholds))
    )
    label = line_label(panel)
    if label is not None:
        built = built.display_name(f"${{__field.labels.{label}}}")
    return _with_columns(_common(built, panel, "timeseries"), panel)


def _bars(panel: Panel) -> bargauge.Panel:
    # From 0 and in a neutral colour: by default the smallest bar is empty and red.
    shown = common.ReduceDataOptions().values(True).calcs([]).limit(50)
    built = (
        bargauge.Panel()
        .reduce_options(shown)
        .orientation(words.VizOrientation.HORIZONTAL)
        .display_mode(words.BarGaugeDisplayMode.BASIC)
        .min(0)
        .thresholds(thresholds(panel.thresholds))
    )
    return _with_units(_common(built, panel, "table"), panel)


_RENDERERS: Final[dict[str, Any]] = {
    "stat": _stat,
    "text": _text,
    "table": _table,
    "timeseries": _timeseries,
    "bars": _bars,
}


def line_label(panel: Panel) -> str | None:
    """The text column that names each line; None where the numbers are lines of their own, titled by `columns`."""
    found = None if panel.columns else _LABELLED.search(panel.sql)
    return found[1] if found else None


def _common(built: Built, panel: Panel, query_type: QueryType) -> Built:
    sdk: Any = built  # its panels have these methods each, and no base that says so; all of them change `built`
    sdk.id(panel.id).title(panel.title).description(description(panel)).datasource(CLICKHOUSE)
    sdk.no_value(panel.empty).with_target(QueryBuilder(panel.sql, query_type))
    return built


def _with_columns(built: Built, panel: Panel, coloured: str | None = None) -> Built:
    sdk: Any = _with_units(built, panel)
    for column in panel.columns:
        found = properties(column, panel.kind, coloured)
        if coloured and column.unit == "text" and not column.words:
            found.append(model.DynamicConfigValue("custom.cellOptions", {"type": "auto", "wrapText": True}))
        if panel.kind == "timeseries" and column.name.endswith("_high"):
            found += _band(panel, column.name.removesuffix("_high") + "_low")
        sdk.override_by_name(column.name, found)
    return built


def _with_units(built: Built, panel: Panel) -> Built:
    sdk: Any = built
    unit = UNITS[panel.unit]
    if unit is not None:
        sdk.unit(unit)
    written = decimals(panel.unit, panel.kind)
    if written is not None:
        sdk.decimals(written)
    return built


def _band(panel: Panel, low: str) -> list[model.DynamicConfigValue]:
    """An interval is an area from its upper line to its lower one."""
    titles = [column.title for column in panel.columns if column.name == low]
    return [
        *(model.DynamicConfigValue("custom.fillBelowTo", title) for title in titles),
        model.DynamicConfigValue("custom.fillOpacity", 12),
        model.DynamicConfigValue("custom.lineWidth", 1),
    ]
