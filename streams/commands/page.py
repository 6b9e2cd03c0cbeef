"""`groundswell page`: the boards in a browser, over a store that is asked as somebody who only reads."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any, Final

import click
import msgspec
from clickhouse_connect.driver.exceptions import ClickHouseError

from dashboards.page.asking import Answer, Refused
from dashboards.page.guard import LOOPBACK_NAMES
from infra.serving.listening import listen, serve, url_of
from schemas.errors import Fault
from schemas.secret import PAGE_PASSWORD, secret
from streams.commands.store import open_store
from streams.settings import Settings

PORT: Final = 8088
FORMAT: Final = "JSONCompactEachRowWithNamesAndTypes"
ANSWER_BYTES: Final = 16 << 20


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help=f"Another than loopback needs {PAGE_PASSWORD}.")
def page(port: int, host: str) -> int:
    """Serve the live page over the store of GROUNDSWELL_STORE, until Ctrl-C.

    Name a user there that only reads: where it may write, the page says so and its box for SQL is closed.
    """
    password = secret(os.environ, PAGE_PASSWORD) or None
    _check_host(host, password)
    listener = listen(host, port)
    store = AskStore(open_store(Settings.from_environment(os.environ)))
    reads_only = store.reads_only()
    if not reads_only:
        click.echo(
            "groundswell: the user of GROUNDSWELL_STORE may write, so the box for SQL is closed. "
            "Name a user that only reads.",
            err=True,
        )
    click.echo(f"the page is at {url_of(listener)}/ until Ctrl-C")
    _serve(listener, store, reads_only, password)
    return 0


class AskStore:
    """Asks ClickHouse through one client; threads may share it.

    Args:
        client: of clickhouse-connect.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def reads_only(self) -> bool:
        """Whether the store itself keeps this user from writing."""
        return bool(self("SELECT toUInt8(getSetting('readonly'))", 1, 5).rows[0][0])

    def __call__(self, sql: str, rows: int, seconds: int) -> Answer:
        """See `dashboards.page.asking.Ask`."""
        settings = {
            "max_execution_time": seconds,
            "limit": rows + 1,
            "output_format_json_quote_64bit_integers": 0,
            "output_format_json_quote_decimals": 1,
        }
        try:
            stream = self._client.raw_stream(
                sql, settings=self._changeable(settings), transport_settings={"X-ClickHouse-Format": FORMAT}
            )
        except ClickHouseError as error:
            raise Refused(said(error)) from error
        try:
            return _read(stream, rows)
        finally:
            stream.close()

    def _changeable(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Without what this server lets nobody change who only reads."""
        known = self._client.server_settings
        return {name: value for name, value in settings.items() if name in known and not known[name].readonly}


def said(error: Exception) -> str:
    """What the engine says, without what the driver and the engine wrap around it."""
    text = str(error)
    text = text.partition("DB::Exception: ")[2] or text.partition("\n")[0]
    return text.partition(" (version ")[0].partition(" (for url ")[0].strip()[:2000] or type(error).__name__


def _read(stream: Any, rows: int) -> Answer:
    body = stream.read(ANSWER_BYTES + 1)
    cut = len(body) > ANSWER_BYTES
    lines = body.split(b"\n")
    if cut or lines[-1] == b"":
        lines.pop()
    if (stream.headers.get("X-ClickHouse-Format") or FORMAT) != FORMAT:
        texts = [[line.decode(errors="replace")] for line in lines[:rows]]
        return Answer(["answer"], ["String"], texts, cut or len(lines) > rows)
    try:
        decoded = [msgspec.json.decode(line) for line in lines[: rows + 2]]
    except msgspec.DecodeError:  # an error that came in the midst of rows
        text = body.decode(errors="replace")
        raise Refused(said(Exception(text[max(text.find("Code: "), 0) :]))) from None
    if len(decoded) < 2:
        return Answer(["answer"], ["String"], [["done, no rows"]])
    return Answer(decoded[0], decoded[1], decoded[2:], cut or len(lines) > rows + 2)


def _check_host(host: str, password: str | None) -> None:
    if host not in LOOPBACK_NAMES and password is None:
        raise Fault(
            "settings",
            f"without a password the page is fit for loopback only, not for {host}",
            f"Set {PAGE_PASSWORD}, or leave --host out.",
        )


def _serve(listener: socket.socket, store: AskStore, reads_only: bool, password: str | None) -> None:
    from dashboards.page import make_app

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    hosts = LOOPBACK_NAMES if password is None else None
    serve(make_app(store, open_to_questions=reads_only, password=password, hosts=hosts), listener, grace=2)
