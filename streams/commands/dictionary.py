"""python -m streams.commands.dictionary: writes docs/data-dictionary.md from a store that was just migrated.

No verb: it is for who changes a view, like `python -m schemas.generate` for who changes a contract.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from dashboards.dictionary import SQL, as_markdown, entries
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
    return as_markdown(entries(client.query(SQL).result_rows))


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
