"""The way to ClickHouse: one setting, one client, whether a server or the embedded engine answers."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.errors import Fault
from streams.settings.store_address import check_address, database_of

SEND_RECEIVE_SECONDS: Final = 30
CONNECT_SECONDS: Final = 5

_CODE = re.compile(r"(?:error )?code:? (\d+)", re.IGNORECASE)
AUTHENTICATION: Final = frozenset({193, 194, 516})
FORBIDDEN: Final = frozenset({164, 497})  # READONLY, ACCESS_DENIED
UNKNOWN_TABLE: Final = 60
UNKNOWN_DATABASE: Final = 81
# Codes that say "the data is wrong": trying again would only say it again.
OURS: Final = frozenset({16, 27, 36, 38, 41, 53, 62, 69, 47, 72, 117, 349, 469})


class StoreUnavailable(Exception):
    """The store does not answer, or says that it cannot now: the same again later may go through."""


class NoDatabase(Fault):
    """The server has no database of that name: `groundswell migrate` makes it."""


def connect(store: str, database: str | None = None) -> Any:
    """A client of `clickhouse://user:password@host:port/database` (`clickhouses://` for TLS).

    Args:
        database: in place of the one that `store` names.

    Raises:
        Fault: the setting is malformed, or the store refuses us; `NoDatabase` if that is all it lacks.
        StoreUnavailable: nobody answers there now.
    """
    check_address(store)
    parts = urlsplit(store)
    secure = parts.scheme == "clickhouses"
    extra = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    try:
        return clickhouse_connect.get_client(
            host=parts.hostname,
            port=parts.port or (8443 if secure else 8123),
            username=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
            database=database or database_of(store),
            interface="https" if secure else "http",
            ca_cert=extra.get("ca_cert"),
            autogenerate_session_id=False,
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=SEND_RECEIVE_SECONDS,
            query_limit=0,
        )
    except ClickHouseError as error:
        raise translate(error, f"{parts.hostname}:{parts.port or 8123}") from error


def store_id(client: Any) -> str:
    """What tells this store from every other: the id that ClickHouse gave the table of landed positions.

    A table has one from the moment it is made, also where two migrate at once, and one that is made of a backup has
    another: it is another store.
    """
    sql = "SELECT toString(uuid) FROM system.tables WHERE database = currentDatabase() AND name = 'landed_positions'"
    return str(client.query(sql).result_rows[0][0])


def translate(error: Exception, where: str) -> Exception:
    """What an error of the driver means: a Fault (a person must act) or StoreUnavailable (wait and try again)."""
    text = str(error)
    match = _CODE.search(text)
    code = int(match[1]) if match else None
    if code in AUTHENTICATION:
        return Fault(
            "settings",
            f"ClickHouse at {where} refuses this user or password",
            "Mend the user and password in GROUNDSWELL_STORE.",
        )
    if code in FORBIDDEN:
        said = _first_line(text.rpartition("DB::Exception: ")[2])
        return Fault(
            "settings",
            f"ClickHouse at {where} says that this user may not do that ({said})",
            "Name a user that may in GROUNDSWELL_STORE, or grant it the right.",
        )
    if code == UNKNOWN_DATABASE:
        return NoDatabase(
            "clickhouse", f"ClickHouse at {where} has no such database", "Run `groundswell migrate` first."
        )
    if code == UNKNOWN_TABLE:
        return Fault("clickhouse", f"ClickHouse at {where} has no such table", "Run `groundswell migrate` first.")
    if code in OURS:
        return Fault("groundswell", f"ClickHouse at {where} refused what was sent: {text[:300]}", "Report this.")
    return StoreUnavailable(f"ClickHouse at {where}: {_first_line(text) or type(error).__name__}")


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:200]
