"""The way to ClickHouse: one setting, one client, whether a server or the embedded engine answers."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.errors import Fault

SEND_RECEIVE_SECONDS: Final = 30
CONNECT_SECONDS: Final = 5

_CODE = re.compile(r"(?:error )?code:? (\d+)", re.IGNORECASE)
AUTHENTICATION: Final = frozenset({193, 194, 516})
MISSING: Final = frozenset({60, 81})  # UNKNOWN_TABLE, UNKNOWN_DATABASE
# Codes that say "the data is wrong": trying again would only say it again.
OURS: Final = frozenset({16, 27, 36, 38, 41, 53, 62, 69, 72, 117, 252, 469})


class Away(Exception):
    """The store does not answer, or says that it cannot now: the same again later may go through."""


def connect(store: str) -> Any:
    """A client of `clickhouse://user:password@host:port/database` (`clickhouses://` for TLS).

    Raises:
        Fault: the setting is malformed, or the store refuses us.
        Away: nobody answers there now.
    """
    parts = urlsplit(store)
    if parts.scheme not in ("clickhouse", "clickhouses") or not parts.hostname:
        raise Fault(
            "settings", "GROUNDSWELL_STORE is no address", "Write clickhouse://user:password@host:8123/groundswell."
        )
    secure = parts.scheme == "clickhouses"
    extra = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    try:
        return clickhouse_connect.get_client(
            host=parts.hostname,
            port=parts.port or (8443 if secure else 8123),
            username=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
            database=parts.path.strip("/") or "groundswell",
            interface="https" if secure else "http",
            ca_cert=extra.get("ca_cert"),
            autogenerate_session_id=False,
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=SEND_RECEIVE_SECONDS,
            query_limit=0,
        )
    except ClickHouseError as error:
        raise translate(error, f"{parts.hostname}:{parts.port or 8123}") from error


def translate(error: Exception, where: str) -> Exception:
    """What an error of the driver means: a Fault (a person must act) or Away (wait and try again)."""
    text = str(error)
    match = _CODE.search(text)
    code = int(match[1]) if match else None
    if code in AUTHENTICATION:
        return Fault(
            "settings",
            f"ClickHouse at {where} refuses this user or password",
            "Mend the user and password in GROUNDSWELL_STORE.",
        )
    if code in MISSING:
        return Fault(
            "clickhouse", f"ClickHouse at {where} has no such table or database", "Run `groundswell migrate` first."
        )
    if code in OURS:
        return Fault("groundswell", f"ClickHouse at {where} refused what was sent: {text[:300]}", "Report this.")
    return Away(f"ClickHouse at {where}: {text.splitlines()[0][:200] if text else type(error).__name__}")
