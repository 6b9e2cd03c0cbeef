"""Brings a ClickHouse database to the shape that this program needs.

    tables/NNNN_*.sql   what holds or fills rows: applied once, in order     an applied file never changes
    functions.sql       formulas                                             applied again, all of them, whenever
    views/              what reads                                           the text of one has changed

Every statement can be run again (IF NOT EXISTS, OR REPLACE), because ClickHouse has no transaction around a file that
fails in the middle.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from infra.clickhouse.campaigns import load_campaigns
from infra.clickhouse.definition import apply_definition, read_definition, refuse_another_definition
from infra.clickhouse.landing import refuse_fields_without_a_column
from infra.clickhouse.statements import statements_of
from schemas.campaign import Campaign
from schemas.errors import Fault

logger = logging.getLogger("groundswell.clickhouse")

FOLDER: Final = Path(__file__).parent
FILE_NAME: Final = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
VIEWS: Final = "views"  # what `migrate` calls all of them
# The first file of databases that were made step by step, before the steps became one baseline.
FIRST_STEP: Final = "0001_raw_tables.sql"

MIGRATIONS_TABLE: Final = """
CREATE TABLE IF NOT EXISTS migrations
(
    name String,
    checksum String COMMENT 'SHA-256 of the file',
    applied_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY name
COMMENT 'The files of infra/clickhouse/tables that were applied here.'
"""


class Migration(NamedTuple):
    """One file of tables: its name, its text and the checksum of that."""

    name: str
    text: str
    checksum: str


def migrate(client: Any, campaigns: Mapping[str, Campaign], folder: Path = FOLDER) -> list[str]:
    """Applies the files that are not applied yet, in order, and loads the campaigns; running it again is harmless.

    Args:
        client: a clickhouse-connect client whose database exists (see `create_database`) and who may write.
        campaigns: by id, as `schemas.campaign.load_campaigns` gives them.

    Returns:
        The names of the files applied now, and `views` where these were.

    Raises:
        Fault: an applied file has changed or is gone, or a field would land nowhere.
    """
    files, definition = read_migrations(folder), read_definition(folder)
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
    refuse_fields_without_a_column(client)
    names = [file.name for file in pending]
    if apply_definition(client, definition):
        names.append(VIEWS)
    sync_what_lands(client)
    load_campaigns(client, campaigns.values())
    return names


def create_database(client: Any, database: str) -> None:
    """Makes the database; the client must be connected to one that exists (`default`, say)."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", database) is None:
        raise Fault("settings", f"{database!r} is no name for a database", "Use letters, digits and underscores.")
    client.command(f"CREATE DATABASE IF NOT EXISTS {database}")


def read_migrations(folder: Path) -> list[Migration]:
    """The files of `tables` in a folder, in order."""
    files = []
    for path in sorted((folder / "tables").glob("*.sql")):
        if FILE_NAME.fullmatch(path.name) is None:
            raise Fault("groundswell", f"{path.name} is no name for a migration", "Name it like 0001_baseline.sql.")
        text = path.read_text(encoding="utf-8")
        files.append(Migration(path.name, text, hashlib.sha256(text.encode()).hexdigest()))
    return files


def applied_migrations(client: Any) -> dict[str, str]:
    """Checksum by name of what was applied to this database."""
    return dict(client.query("SELECT name, checksum FROM migrations FINAL ORDER BY name").result_rows)


def refuse_changes(files: Iterable[Migration], applied: Mapping[str, str]) -> None:
    """An applied file is history: a database that grew from it cannot be what a changed one says."""
    present = {file.name: file.checksum for file in files}
    if FIRST_STEP in applied and FIRST_STEP not in present:
        raise Fault(
            "clickhouse",
            "this database was made by a version of this program whose steps are no longer known",
            "Make it anew: drop it, or name another one in GROUNDSWELL_STORE, and run `groundswell migrate`; the sink "
            "then lands every log into it from its beginning.",
        )
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
    """Whether the database has applied the files of this program, all of them and no others, and has its views.

    Raises:
        Fault: it has not.
    """
    files, applied = read_migrations(folder), applied_migrations(client)
    refuse_changes(files, applied)
    for file in files:
        if file.name not in applied:
            what = f"this database has not applied {file.name}, which this program needs"
            raise Fault("clickhouse", what, "Run `groundswell migrate` first.")
    refuse_another_definition(client, read_definition(folder))


def sync_what_lands(client: Any) -> None:
    """Lets every table acknowledge an insert only when it is on the disk; one whose setting was chosen keeps it."""
    sql = """
        SELECT name FROM system.tables
        WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
            AND position(create_table_query, 'fsync_after_insert') = 0
    """
    for (table,) in client.query(sql).result_rows:
        client.command(f"ALTER TABLE `{table}` MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1")
