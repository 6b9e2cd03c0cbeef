"""Campaign files in the store, and what rows keep of them.

A materialized view that reads `campaigns` fills its table by what a campaign's file said when a row came.  When the
file says something else, the rows of that campaign are filled again by the same SELECT: it stands in the materialized
view, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from schemas.campaign import Campaign

COLUMNS: Final = (
    "id",
    "title",
    "start",
    "end",
    "goal",
    "currency",
    "prior_conversion",
    "allowed_lateness",
    "exposure",
    "windows",
    "loaded_at",
)
# Which materialized views read a campaign's bounds or windows.  Filling again adds nothing to what is there.
FILLED_BY_CAMPAIGN: Final = ("chained_windows_of_conversions", "givers_of_donations")


def load_campaigns(client: Any, campaigns: Iterable[Campaign]) -> None:
    """Writes the campaigns of the files; a later load of the same id wins."""
    now = datetime.now(UTC)
    rows = [
        [
            campaign.id,
            campaign.title,
            campaign.start,
            campaign.end,
            campaign.goal,
            campaign.currency,
            campaign.prior_conversion,
            campaign.allowed_lateness,
            campaign.stall.exposure,
            [(window.name, window.size, window.slide) for window in campaign.windows],
            now,
        ]
        for campaign in campaigns
    ]
    if not rows:
        return
    before = _bounds_and_windows(client)
    client.insert("campaigns", rows, column_names=list(COLUMNS))
    after = _bounds_and_windows(client)
    if changed := sorted(name for name in after if after[name] != before.get(name)):
        for view in FILLED_BY_CAMPAIGN:
            _fill_again(client, view, changed)


def _fill_again(client: Any, view: str, campaigns: list[str]) -> None:
    """Runs the SELECT of a materialized view over all rows of these campaigns, into its own table."""
    table, select = client.query(
        "SELECT extract(create_table_query, ' TO (?:\\w+\\.)?(\\w+)'), as_select FROM system.tables "
        "WHERE database = currentDatabase() AND name = {view:String}",
        parameters={"view": view},
    ).result_rows[0]
    columns = ", ".join(row[0] for row in client.query(f"DESCRIBE TABLE {view}").result_rows)
    client.command(
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM ({select}) "
        "WHERE campaign_id IN {campaigns:Array(String)}",
        parameters={"campaigns": campaigns},
    )


def _bounds_and_windows(client: Any) -> dict[str, tuple[Any, ...]]:
    """By campaign, what `FILLED_BY_CAMPAIGN` depends on."""
    sql = "SELECT id, start, end, toString(windows) FROM campaigns FINAL"
    return {name: tuple(rest) for name, *rest in client.query(sql).result_rows}
