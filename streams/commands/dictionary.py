"""python -m streams.commands.dictionary: writes docs/data-dictionary.md from a store that was just migrated.

No verb: it is for who changes a view, like `python -m schemas.generate` for who changes a contract.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from dashboards.dictionary import SQL, TOLD_SQL, as_markdown, entries
from infra.clickhouse.migrate import migrate
from infra.embedded.clickhouse.users import WRITER
from infra.embedded.stack import start_clickhouse, store_url
from infra.processes.ports import free_port
from infra.processes.stack import Stack
from schemas.errors import Fault
from streams.clickhouse.client import connect

FILE: Final = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def text_of(client: Any) -> str:
    """The dictionary of a migrated store."""
    return as_markdown(entries(rows_of(client)))


def rows_of(client: Any) -> list[tuple[str, str, str, str]]:
    """(view, question, column, type) of every view, by its name."""
    return sorted([*client.query(SQL).result_rows, *_told_rows(client)], key=lambda row: row[0])


def _told_rows(client: Any) -> Iterator[tuple[str, str, str, str]]:
    """Of views that want to be told of whom: asked of nobody, they say their columns."""
    for view, question, definition in client.query(TOLD_SQL).result_rows:
        told = ", ".join(f"{name} = ''" for name in sorted(set(re.findall(r"\{(\w+):String\}", definition))))
        for column, kind, *_ in client.query(f"DESCRIBE (SELECT * FROM {view}({told}))").result_rows:
            yield view, question, column, kind


def main(file: Path = FILE) -> int:
    """Exit code: 0, or 2 after a Fault."""
    try:
        with Stack() as stack:
            port = free_port()
            start_clickhouse(stack, stack.folder / "clickhouse", port)
            client = connect(store_url(WRITER, port))
            migrate(client, {})
            file.parent.mkdir(exist_ok=True)
            file.write_text(text_of(client), encoding="utf-8")
    except Fault as fault:
        print(f"groundswell: {fault}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
