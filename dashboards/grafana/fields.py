"""How values look: units, colours, thresholds, words, columns."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models import dashboard as model

from dashboards.panel import Colour, Column, Kind, Panel, Threshold, Unit, Word

# `locale` writes 3,002,400 where `short` would round it to 3.00 Mil.
UNITS: Final[dict[Unit, str | None]] = {
    "none": None,
    "count": "locale",
    "percent": "percentunit",
    "money": "locale",
    "seconds": "s",
    "minutes": "m",
    "hours": "h",
    "datetime": "time:YYYY-MM-DD HH:mm",
    "per_million": None,
    "text": "string",
}
DECIMALS: Final[dict[Unit, int]] = {"count": 0, "percent": 2, "money": 2, "per_million": 3}
COLOURS: Final[dict[Colour, str]] = {
    "green": "green",
    "amber": "orange",
    "red": "red",
    "blue": "blue",
    "grey": "text",
}
# Grafana puts the variable in wherever a description is shown (`dashboards.grafana.complete` asks it).
COMPLETE_UP_TO: Final = "complete_up_to"
COMPLETE: Final = f"Complete up to: ${{{COMPLETE_UP_TO}}}"
NEUTRAL: Final = (Threshold(None, "blue", ""),)


def decimals(unit: Unit, kind: Kind) -> int | None:
    """How many decimals are written; None: as many as Grafana finds by the value, about three digits that count.

    A line of rates needs these: 0.00625 % of viewers would be 0.01 % on every tick of its axis.  Tables say such rates
    as words (`dashboards.words.rate_said`), so two decimals keep their columns aligned.
    """
    return None if (unit, kind) == ("percent", "timeseries") else DECIMALS.get(unit)


def thresholds(steps: tuple[Threshold, ...]) -> ThresholdsConfig:
    return (
        ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=step.value, color=COLOURS[step.colour]) for step in steps or NEUTRAL])
    )


def description(panel: Panel) -> str:
    """The question, in words what colours mean, and up to when the figures are complete."""
    told = [_legend("", panel.thresholds), *(_legend(column.title, column.thresholds) for column in panel.columns)]
    return "\n\n".join([panel.question, *(legend for legend in told if legend), COMPLETE])


def properties(column: Column, kind: Kind, coloured: str | None = None) -> list[model.DynamicConfigValue]:
    """Overrides for one column; `coloured` is how a table colours cells, None where the panel colours by itself."""
    found = [model.DynamicConfigValue("displayName", column.title)]
    unit = UNITS[column.unit]
    if unit is not None:
        found.append(model.DynamicConfigValue("unit", unit))
    written = decimals(column.unit, kind)
    if written is not None:
        found.append(model.DynamicConfigValue("decimals", written))
    if column.thresholds:
        found.append(model.DynamicConfigValue("thresholds", thresholds(column.thresholds).build()))
        found.append(model.DynamicConfigValue("color", {"mode": "thresholds"}))
    if column.words:
        found.append(model.DynamicConfigValue("mappings", [_mapping(column.words)]))
    if coloured and (column.thresholds or column.words):
        found.append(model.DynamicConfigValue("custom.cellOptions", {"type": coloured}))
    if column.link is not None:
        found.append(model.DynamicConfigValue("links", [_link(column)]))
    return found


def _mapping(words: tuple[Word, ...]) -> model.ValueMap:
    return model.ValueMap(
        {
            word.text: model.ValueMappingResult(text=word.text, color=COLOURS[word.colour], index=index)
            for index, word in enumerate(words)
        }
    )


def _link(column: Column) -> dict[str, object]:
    # An id may hold & + = and so on, hence `percentencode`; the time that is looked at is kept.
    address = (
        f"/d/{column.link}?${{campaign:queryparam}}&var-influencer=${{__value.raw:percentencode}}&${{__url_time_range}}"
    )
    return {"title": f"Only this {column.title.lower()}", "url": address}


def _legend(title: str, steps: tuple[Threshold, ...]) -> str:
    words = [
        f"{step.word} ({step.colour})" + ("" if step.value is None else f" from {step.value:g}")
        for step in steps
        if step.word
    ]
    return (f"{title}: " if title else "") + ", ".join(words) if words else ""
