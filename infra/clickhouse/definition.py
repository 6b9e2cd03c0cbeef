"""Functions, views and what their columns mean: what reads.

Their files hold the current text, and a database is brought to it as a whole.

Law: one view is one file, `views/<family>/<name>.sql`.  Applying can be repeated; it follows the dependencies, and a
view that was applied here and is no longer declared is dropped.  Views that somebody else made are left alone.
"""

from __future__ import annotations

import hashlib
import logging
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final, NamedTuple

from infra.clickhouse.statements import statements_of
from schemas.errors import Fault

logger = logging.getLogger("groundswell.clickhouse")

MEANINGS: Final = Path("views") / "meanings.toml"
EVERYWHERE: Final = "everywhere"
_PARAMETER: Final = re.compile(r"\{(\w+):String\}")
_READ: Final = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")


class Definition(NamedTuple):
    """What the files say.

    `functions` are statements in the order of their file, `views` statements by name, `meanings` texts by (view,
    column), where an empty view is every one without a meaning of its own.  `checksum` is of all of it.
    """

    functions: tuple[str, ...]
    views: Mapping[str, str]
    meanings: Mapping[tuple[str, str], str]
    checksum: str


def read_definition(folder: Path) -> Definition:
    """The functions and views of a folder; views in an order in which each follows what it reads.

    Raises:
        Fault: a file does not hold the one view that it is named for, or views read each other in a circle.
    """
    paths = [folder / "functions.sql", folder / MEANINGS, *sorted((folder / "views").glob("*/*.sql"))]
    texts = {path: path.read_text(encoding="utf-8") for path in paths if path.exists()}
    digest = hashlib.sha256("\0".join(f"{path.name}\0{text}" for path, text in texts.items()).encode())
    functions = statements_of(texts.pop(folder / "functions.sql", ""))
    meanings = _meanings_of(texts.pop(folder / MEANINGS, ""))
    views = {path.stem: _view_of(path, text) for path, text in texts.items()}
    reads = {name: set(_READ.findall(text)) & views.keys() - {name} for name, text in views.items()}
    try:
        order = list(TopologicalSorter(reads).static_order())
    except CycleError as error:
        raise Fault("groundswell", f"views read each other: {' - '.join(error.args[1])}", "Cut the circle.") from error
    return Definition(tuple(functions), {name: views[name] for name in order}, meanings, digest.hexdigest())


def _meanings_of(text: str) -> dict[tuple[str, str], str]:
    return {
        ("" if section == EVERYWHERE else section, column): meaning
        for section, columns in tomllib.loads(text).items()
        for column, meaning in columns.items()
    }


def _view_of(path: Path, text: str) -> str:
    statements = statements_of(text)
    if len(statements) != 1 or not statements[0].startswith(f"CREATE OR REPLACE VIEW {path.stem} AS\n"):
        raise Fault(
            "groundswell",
            f"{path.name} does not hold one view of that name",
            f"Begin its statement with `CREATE OR REPLACE VIEW {path.stem} AS`, and have no other in it.",
        )
    return statements[0]


def apply_definition(client: Any, definition: Definition) -> bool:
    """Brings the functions and views of a database to the definition.

    Returns:
        Whether there was anything to do.
    """
    applied = _applied_views(client)
    if applied == dict.fromkeys(definition.views, definition.checksum):
        return False
    # A view keeps the formula of a function as it was when the view was made, so all are made again.
    for statement in (*definition.functions, *definition.views.values()):
        client.command(statement)
    gone = applied.keys() - definition.views.keys()
    for name in sorted(gone):
        client.command(f"DROP VIEW IF EXISTS {name}")
    client.command("TRUNCATE TABLE view_columns")
    names = ["view", "position", "column", "type", "meaning"]
    client.insert("view_columns", list(_columns_of(client, definition)), column_names=names)
    now = datetime.now(UTC)
    rows = [[name, definition.checksum, now] for name in definition.views] + [[name, "", now] for name in gone]
    client.insert("declared_views", rows, column_names=["name", "checksum", "applied_at"])
    logger.info("applied %d views, dropped %d", len(definition.views), len(gone))
    return True


def _columns_of(client: Any, definition: Definition) -> Iterator[tuple[str, int, str, str, str]]:
    """Rows of `view_columns`."""
    listed = (
        "SELECT table, groupArray((name, type)) FROM "
        "(SELECT table, name, type FROM system.columns WHERE database = currentDatabase() ORDER BY table, position) "
        "GROUP BY table"
    )
    columns = dict(client.query(listed).result_rows)
    # `chains` is one too: a materialized view reads it, so it stands in `tables` and has a section of meanings here.
    for view, statement in {"chains": "", **definition.views}.items():
        parameters = sorted(set(_PARAMETER.findall(statement)))
        if parameters:  # it says its columns when it is asked of nobody
            told = ", ".join(f"{name} = ''" for name in parameters)
            columns[view] = [row[:2] for row in client.query(f"DESCRIBE (SELECT * FROM {view}({told}))").result_rows]
        for position, (column, kind) in enumerate(columns[view], 1):
            meaning = definition.meanings.get((view, column)) or definition.meanings.get(("", column), "")
            yield view, position, column, kind, meaning


def refuse_another_definition(client: Any, definition: Definition) -> None:
    """Whether the views of the database are those of this program.

    Raises:
        Fault: they are not.
    """
    if _applied_views(client) != dict.fromkeys(definition.views, definition.checksum):
        what = "the views of this database are not those of this program"
        raise Fault("clickhouse", what, "Run `groundswell migrate` first.")


def _applied_views(client: Any) -> dict[str, str]:
    sql = "SELECT name, checksum FROM declared_views FINAL WHERE checksum != ''"
    return dict(client.query(sql).result_rows)
