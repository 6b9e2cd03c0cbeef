"""Brings a ClickHouse database to the shape that this program needs.

Law: an applied file never changes; what comes later is a new file.  Every statement can be run again (IF NOT EXISTS,
OR REPLACE), because ClickHouse has no transaction around a file that fails in the middle.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.campaign import Campaign
from schemas.errors import Fault

logger = logging.getLogger("groundswell.clickhouse")

FOLDER: Final = Path(__file__).parent
FILE_NAME: Final = re.compile(r"\d{4}_[a-z0-9_]+\.sql")

MIGRATIONS_TABLE: Final = """
CREATE TABLE IF NOT EXISTS migrations
(
    name String,
    checksum String COMMENT 'SHA-256 of the file',
    applied_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY name
COMMENT 'The files of infra/clickhouse that were applied here.'
"""
CAMPAIGN_COLUMNS: Final = (
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

# What rows keep of a campaign's file, and must keep anew when it says something else.  Each can be run again.
KEPT_BY_CAMPAIGN: Final = (
    """
INSERT INTO chained_windows
SELECT w.campaign_id, w.dimension, toUInt32(toUnixTimestamp(w.window_end) % c.longest_size), w.member, w.window,
    w.window_end, w.shares, w.impressions_measured, w.impressions_sampled, w.impressions_estimated, w.clicks,
    w.donations, w.refunds, w.gross, w.fee, w.refunded, w.net, w.version
FROM conversions AS w
INNER JOIN chains AS c ON c.campaign_id = w.campaign_id AND c.longest_window = w.window
WHERE w.campaign_id IN {campaigns:Array(String)}
""",
    """
INSERT INTO givers
SELECT d.campaign_id, c.start, c.end, assumeNotNull(d.donor_id) AS donor, d.tie,
    max(bitShiftLeft(toUInt256(toUnixTimestamp64Milli(d.occurred_at)), 128)
        + toUInt256(reinterpretAsUInt128(d.event_id)))
FROM donations AS d
INNER JOIN (SELECT id, start, end FROM campaigns FINAL) AS c ON c.id = d.campaign_id
WHERE d.kind = 'donation' AND d.donor_id IS NOT NULL AND d.occurred_at >= c.start AND d.occurred_at < c.end
    AND d.campaign_id IN {campaigns:Array(String)}
GROUP BY d.campaign_id, c.start, c.end, donor, d.tie
""",
)


class Migration(NamedTuple):
    """One DDL file: its name, its text and the checksum of that."""

    name: str
    text: str
    checksum: str


def migrate(client: Any, campaigns: Mapping[str, Campaign], folder: Path = FOLDER) -> list[str]:
    """Applies the files that are not applied yet, in order, and loads the campaigns; running it again is harmless.

    Args:
        client: a clickhouse-connect client whose database exists (see `create_database`) and who may write.
        campaigns: by id, as `schemas.campaign.load_campaigns` gives them.

    Returns:
        The names of the files applied now.

    Raises:
        Fault: an applied file has changed or is gone.
    """
    files = read_migrations(folder)
    client.command(MIGRATIONS_TABLE)
    applied = applied_migrations(client)
    refuse_changes(files, applied)
    pending = [file for file in files if file.name not in applied]
    for file in pending:
        for statement in statements_of(file.text):
            client.command(statement)
        row = [file.name, file.checksum, datetime.now(UTC)]
        client.insert("migrations", [row], column_names=["name", "checksum", "applied_at"])
        logger.info("applied %s", file.name)
    sync_what_lands(client)
    load_campaigns(client, campaigns.values())
    return [file.name for file in pending]


def create_database(client: Any, database: str) -> None:
    """Makes the database; the client must be connected to one that exists (`default`, say)."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", database) is None:
        raise Fault("settings", f"{database!r} is no name for a database", "Use letters, digits and underscores.")
    client.command(f"CREATE DATABASE IF NOT EXISTS {database}")


def read_migrations(folder: Path) -> list[Migration]:
    """The DDL files of a folder, in order."""
    files = []
    for path in sorted(folder.glob("*.sql")):
        if FILE_NAME.fullmatch(path.name) is None:
            raise Fault("groundswell", f"{path.name} is no name for a migration", "Name it like 0001_raw_tables.sql.")
        text = path.read_text(encoding="utf-8")
        files.append(Migration(path.name, text, hashlib.sha256(text.encode()).hexdigest()))
    return files


def applied_migrations(client: Any) -> dict[str, str]:
    """Checksum by name of what was applied to this database."""
    return dict(client.query("SELECT name, checksum FROM migrations FINAL ORDER BY name").result_rows)


def refuse_changes(files: Iterable[Migration], applied: Mapping[str, str]) -> None:
    """An applied file is history: a database that grew from it cannot be what a changed one says."""
    present = {file.name: file.checksum for file in files}
    for name, checksum in applied.items():
        if name not in present:
            raise Fault(
                "clickhouse",
                f"this database has applied {name}, which this program does not know",
                "Use the program version that migrated it, or another database.",
            )
        if present[name] != checksum:
            raise Fault(
                "groundswell",
                f"migration {name} has changed since it was applied to this database",
                "Restore that file and put the change into a new file with the next number (or use a new database).",
            )


def refuse_another_version(client: Any, folder: Path = FOLDER) -> None:
    """Whether the database has applied the files of this program, all of them and no others.

    Raises:
        Fault: it has not.
    """
    files, applied = read_migrations(folder), applied_migrations(client)
    refuse_changes(files, applied)
    for file in files:
        if file.name not in applied:
            what = f"this database has not applied {file.name}, which this program needs"
            raise Fault("clickhouse", what, "Run `groundswell migrate` first.")


def sync_what_lands(client: Any) -> None:
    """Lets every table acknowledge an insert only when it is on the disk; one whose setting was chosen keeps it."""
    sql = """
        SELECT name FROM system.tables
        WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
            AND position(create_table_query, 'fsync_after_insert') = 0
    """
    for (table,) in client.query(sql).result_rows:
        client.command(f"ALTER TABLE `{table}` MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1")


def statements_of(text: str) -> list[str]:
    """The statements of a file; each ends with a semicolon at the end of its line."""
    without_comments = re.sub(r"(?m)^[ \t]*--.*\n?", "", text)
    parts = re.split(r";[ \t]*(?:\n|\Z)", without_comments)
    return [part.strip() for part in parts if part.strip()]


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
    client.insert("campaigns", rows, column_names=list(CAMPAIGN_COLUMNS))
    after = _bounds_and_windows(client)
    if changed := sorted(name for name in after if after[name] != before.get(name)):
        for statement in KEPT_BY_CAMPAIGN:
            client.command(statement, parameters={"campaigns": changed})


def _bounds_and_windows(client: Any) -> dict[str, tuple[Any, ...]]:
    """By campaign, what `KEPT_BY_CAMPAIGN` depends on."""
    sql = "SELECT id, start, end, toString(windows) FROM campaigns FINAL"
    return {name: tuple(rest) for name, *rest in client.query(sql).result_rows}
