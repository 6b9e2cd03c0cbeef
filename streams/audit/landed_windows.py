"""The table `conversions`: every landed row equals the log, and every window that had to land has landed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
        _Windows(entity, campaign, oracle, watermarks_ms.get(campaign.id), findings).compare(entity_rows)
    for entity in sorted(unseen):
        campaign = oracle.campaigns[entity.campaign_id]
        _Windows(entity, campaign, oracle, watermarks_ms.get(campaign.id), findings).compare(())
    for campaign_id in sorted({entity.campaign_id for entity in oracle.slices} - landed_campaigns):
        findings.differ(KIND, f"campaign {campaign_id} has events, and not one of its windows landed")


def _by_entity(client: Client) -> Iterator[tuple[Entity, Iterator[Row]]]:
    """Rows of an entity: (window, window end in seconds, final, watermark in ms, then WindowValue's columns)."""
    key = [*map(text, ("campaign_id", "dimension", "member", "window")), seconds("window_end")]
    columns = ["final", ms("watermark"), *(f"`{name}`" for name in WindowValue._fields)]
    for entity, found in groupby(rows(client, KIND, key, columns), key=lambda row: row[:3]):
        yield Entity(*entity), (row[3:] for row in found)


class _Windows:
    """The windows of one entity: what landed of them, and what had to."""

    def __init__(
        self, entity: Entity, campaign: Campaign, oracle: Oracle, watermark: int | None, findings: Findings
    ) -> None:
        self._entity, self._oracle, self._watermark, self._findings = entity, oracle, watermark, findings
        self._windows = {window.name: window for window in campaign.windows}
        # Nothing is due while it is not known how far the campaign is complete.
        self._until = -1 if watermark is None else watermark // 1000
        self._due = {name: set(oracle.due(entity, self._windows[name], self._until)) for name in self._windows}

    def compare(self, found: Iterable[Row]) -> None:
        landed: dict[str, set[int]] = {name: set() for name in self._windows}
        for name, window_end, final, watermark, *columns in found:
            window = self._windows.get(name)
            if window is None or window_end % window.slide:
                what = f"{_name(self._entity)}, {name!r} ending {rfc3339(window_end * 1000)}"
                self._findings.differ(KIND, f"{what}: the campaign has no such window")
                continue
            landed[name].add(window_end)
            self._compare_row(window, window_end, columns)
            self._compare_final(window, window_end, bool(final), watermark)
        for name, window in self._windows.items():
            self._demand(window, landed[name])
        self._findings.count(KIND, sum(map(len, landed.values())))

    def _compare_row(self, window: Window, window_end: int, columns: list[Any]) -> None:
        true = self._oracle.window(self._entity, window, window_end)
        if columns[_MAP]:
            columns[_MAP] = _moved(columns[_MAP])
        if tuple(columns) != true:
            fields = zip(WindowValue._fields, columns, true, strict=True)
            self._findings.compare(KIND, self._named(window, window_end), fields)

    def _compare_final(self, window: Window, window_end: int, final: bool, watermark: int) -> None:
        if final and window_end * 1000 > watermark:
            wrong = f"it is called final, but its own watermark is {rfc3339(watermark)}"
            self._findings.differ(KIND, f"{self._named(window, window_end)}: {wrong}")
        elif not final and window_end in self._due[window.name]:
            wrong = f"it is provisional, but everything is complete up to {rfc3339(self._watermark or 0)}"
            self._findings.differ(KIND, f"{self._named(window, window_end)}: {wrong}")
        elif not final and window_end <= self._until:
            # It lost what it held to another entity before it was closed, and says zero: true, and nobody's due.
            self._findings.count("zero rows left provisional")

    def _demand(self, window: Window, landed: set[int]) -> None:
        """Every window that the watermark has passed, and that held something, must be there."""
        due = self._due[window.name]
        self._findings.count("windows due", len(due))
        for window_end in sorted(due - landed):
            value = self._oracle.window(self._entity, window, window_end)
            what = "the zero row after its last event" if value.empty else _held(value)
            self._findings.differ(KIND, f"{self._named(window, window_end)} did not land: {what}")
        pauses = set(self._oracle.pauses(self._entity, window, self._until))
        self._findings.count("pauses", len(pauses))
        self._findings.count("pauses without a zero row", len(pauses - landed))

    def _named(self, window: Window, window_end: int) -> str:
        return f"{_name(self._entity)}, {window.name} ending {rfc3339(window_end * 1000)}"


def _moved(currencies: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Other currencies as the oracle has them; one in which nothing moved says nothing."""
    money = {
        code: tuple(amounts[name] for name in ("gross", "fee", "refunded")) for code, amounts in currencies.items()
    }
    return {code: amounts for code, amounts in money.items() if any(amounts)}


def _held(value: WindowValue) -> str:
    counts = zip(COUNTS, value, strict=False)
    return ", ".join(f"{name} {number}" for name, number in counts if number)


def _name(entity: Entity) -> str:
    return f"campaign {entity.campaign_id}, {entity.dimension} {entity.member}"
