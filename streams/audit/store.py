"""Read whole tables of ClickHouse, page by page, in the order of their key.

FINAL everywhere: the rows are right with merges stopped.  A page begins after the last key of the one before, so
neither a limit on result rows nor memory decides how much can be audited.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.errors import Fault

PAGE_ROWS: Final = 200_000

Row = tuple[Any, ...]


class KeyColumn(NamedTuple):
    """A column of a table's sorting key.

    `shown` is the SQL that gives its value to us, `taken` the SQL that takes it back as the parameter `{}`.
    """

    name: str
    shown: str
    taken: str


def text(name: str) -> KeyColumn:
    return KeyColumn(name, f"toString(`{name}`)", "{{{}:String}}")


def number(name: str) -> KeyColumn:
    return KeyColumn(name, f"`{name}`", "{{{}:UInt64}}")


def seconds(name: str) -> KeyColumn:
    return KeyColumn(name, f"toUnixTimestamp(`{name}`)", "toDateTime({{{}:UInt32}}, 'UTC')")


def milliseconds(name: str) -> KeyColumn:
    return KeyColumn(name, ms(name), "fromUnixTimestamp64Milli({{{}:Int64}}, 'UTC')")


def uuid(name: str) -> KeyColumn:
    return KeyColumn(name, f"toString(`{name}`)", "{{{}:UUID}}")


def ms(name: str) -> str:
    """SQL for epoch milliseconds of a DateTime64(3) column."""
    return f"toUnixTimestamp64Milli(`{name}`)"


def rows(
    client: Client, table: str, key: Sequence[KeyColumn], columns: Sequence[str], page_rows: int = PAGE_ROWS
) -> Iterator[Row]:
    """Every current row: the values of `key`, then of `columns` (SQL expressions), in the order of the key.

    Raises:
        Fault: ClickHouse does not answer, or the table is not there.
    """
    wanted = ", ".join([*(part.shown for part in key), *columns])
    names = ", ".join(f"`{part.name}`" for part in key)
    beyond = ", ".join(part.taken.format(f"k{place}") for place, part in enumerate(key))
    after: dict[str, Any] = {}
    while True:
        # The first column alone, too: a tuple is compared row by row, one column prunes by the index.
        first = f"`{key[0].name}` >= {key[0].taken.format('k0')}"
        where = f"WHERE {first} AND ({names}) > ({beyond})" if after else ""
        sql = f"SELECT {wanted} FROM `{table}` FINAL {where} ORDER BY {names} LIMIT {page_rows}"
        page = query(client, sql, after)
        yield from page
        if len(page) < page_rows:
            return
        after = {f"k{place}": value for place, value in enumerate(page[-1][: len(key)])}


def query(client: Client, sql: str, parameters: dict[str, Any] | None = None) -> list[Row]:
    """The rows of a statement.

    Raises:
        Fault: ClickHouse refuses it or does not answer.
    """
    try:
        return list(client.query(sql, parameters=parameters or {}).result_rows)
    except (ClickHouseError, OSError) as error:
        what = str(error).strip().splitlines()[0].rstrip(".")
        raise Fault("clickhouse", what, "Check that it is up and that `groundswell migrate` has run.") from error
