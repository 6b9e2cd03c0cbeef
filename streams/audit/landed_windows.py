"""The table `conversions`: every landed row equals the log, and every window that had to land has landed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from schemas.campaign import Campaign, Window
from schemas.slices import COUNTS, DIMENSIONS, Entity
from schemas.times import rfc3339
from streams.audit.oracle import Oracle, WindowValue
from streams.audit.report import Findings
from streams.audit.store import Row, ms, rows, seconds, text

KIND: Final = "conversions"
_MAP: Final = WindowValue._fields.index("other_currencies")

# By window name, the landed window ends.
Landed = dict[str, set[int]]


def compare_windows(
    client: Client, oracle: Oracle, watermarks_ms: Mapping[str, int | None], findings: Findings
) -> None:
    """All of `conversions`.

    Args:
        watermarks_ms: by campaign, how far it is complete (epoch milliseconds), None if that is not known.
    """
    unseen = set(oracle.slices)
    landed_campaigns = set()
    for entity, entity_rows in _by_entity(client):
        campaign = oracle.campaigns.get(entity.campaign_id)
        if campaign is None or entity.dimension not in DIMENSIONS:
            findings.differ(KIND, f"{_name(entity)} is of no campaign or dimension known here")
            continue
        landed_campaigns.add(campaign.id)
        unseen.discard(entity)
        watermark = watermarks_ms.get(campaign.id)
        landed = _compare_entity(entity_rows, entity, campaign, oracle, watermark, findings)
        _demand(entity, campaign, landed, oracle, watermark, findings)
    for entity in sorted(unseen):
        campaign = oracle.campaigns[entity.campaign_id]
        _demand(entity, campaign, {}, oracle, watermarks_ms.get(campaign.id), findings)
    for campaign_id in sorted({entity.campaign_id for entity in oracle.slices} - landed_campaigns):
        findings.differ(KIND, f"campaign {campaign_id} has events, and not one of its windows landed")


def _by_entity(client: Client) -> Iterator[tuple[Entity, Iterator[Row]]]:
    """Rows of an entity: (window, window end in seconds, final, watermark in ms, then WindowValue's columns)."""
    key = [*map(text, ("campaign_id", "dimension", "member", "window")), seconds("window_end")]
    columns = ["final", ms("watermark"), *(f"`{name}`" for name in WindowValue._fields)]
    for entity, found in groupby(rows(client, KIND, key, columns), key=lambda row: row[:3]):
        yield Entity(*entity), (row[3:] for row in found)


def _compare_entity(
    found: Iterator[Row],
    entity: Entity,
    campaign: Campaign,
    oracle: Oracle,
    watermark: int | None,
    findings: Findings,
) -> Landed:
    windows = {window.name: window for window in campaign.windows}
    landed: Landed = {name: set() for name in windows}
    for name, window_end, final, row_watermark, *columns in found:
        window = windows.get(name)
        if window is None or window_end % window.slide:
            what = f"{_name(entity)}, {name!r} ending {rfc3339(window_end * 1000)}"
            findings.differ(KIND, f"{what}: the campaign has no such window")
            continue
        findings.count(KIND)
        landed[name].add(window_end)
        true = oracle.window(entity, window, window_end)
        if columns[_MAP]:
            columns[_MAP] = _moved(columns[_MAP])
        if tuple(columns) != true:
            fields = zip(WindowValue._fields, columns, true, strict=True)
            findings.compare(KIND, _window_name(entity, window, window_end), fields)
        wrong = _wrong_final(window_end * 1000, bool(final), row_watermark, watermark)
        if wrong:
            findings.differ(KIND, f"{_window_name(entity, window, window_end)}: {wrong}")
    return landed


def _moved(currencies: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Other currencies as the oracle has them; one in which nothing moved says nothing."""
    money = {
        code: tuple(amounts[name] for name in ("gross", "fee", "refunded")) for code, amounts in currencies.items()
    }
    return {code: amounts for code, amounts in money.items() if any(amounts)}


def _wrong_final(end_ms: int, final: bool, row_watermark: int, watermark: int | None) -> str | None:
    if final and end_ms > row_watermark:
        return f"it is called final, but its own watermark is {rfc3339(row_watermark)}"
    if not final and watermark is not None and end_ms <= watermark:
        return f"it is provisional, but everything is complete up to {rfc3339(watermark)}"
    return None


def _demand(
    entity: Entity,
    campaign: Campaign,
    landed: Landed,
    oracle: Oracle,
    watermark: int | None,
    findings: Findings,
) -> None:
    """Every window that the watermark has passed, and that held something, must be there."""
    if watermark is None:
        return
    until = watermark // 1000
    for window in campaign.windows:
        ends = landed.get(window.name, set())
        for window_end in oracle.due(entity, window, until):
            findings.count("windows due")
            if window_end not in ends:
                value = oracle.window(entity, window, window_end)
                what = "the zero row after its last event" if value.empty else _held(value)
                findings.differ(KIND, f"{_window_name(entity, window, window_end)} did not land: {what}")
        for window_end in oracle.pauses(entity, window, until):
            findings.count("pauses")
            if window_end not in ends:
                findings.count("pauses without a zero row")


def _held(value: WindowValue) -> str:
    counts = zip(COUNTS, value, strict=False)
    return ", ".join(f"{name} {number}" for name, number in counts if number)


def _name(entity: Entity) -> str:
    return f"campaign {entity.campaign_id}, {entity.dimension} {entity.member}"


def _window_name(entity: Entity, window: Window, window_end: int) -> str:
    return f"{_name(entity)}, {window.name} ending {rfc3339(window_end * 1000)}"
