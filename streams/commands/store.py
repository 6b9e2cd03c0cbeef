"""`groundswell migrate`, `groundswell reland` and `groundswell sql`."""

from __future__ import annotations

import os
import sys
from typing import Any
from urllib.parse import urlsplit

import click
from clickhouse_connect.driver.exceptions import ClickHouseError

from infra.clickhouse.migrate import create_database
from infra.clickhouse.migrate import migrate as apply
from schemas.errors import Fault
from schemas.topics import LANDED
from streams.clickhouse.client import NoDatabase, StoreUnavailable, connect, translate
from streams.settings import Settings
from streams.settings.store_address import database_of


def open_store(settings: Settings, database: str | None = None) -> Any:
    """A client of the store that the settings name.

    Args:
        database: in place of the one that the settings name.

    Raises:
        Fault: it does not answer, or refuses us.
    """
    try:
        return connect(settings.store, database)
    except StoreUnavailable as away:
        raise Fault(
            "clickhouse",
            f"nothing answers at {settings.store_shown}",
            "Start it (`groundswell demo` has one), or set GROUNDSWELL_STORE=clickhouse://user:password@host:8123/groundswell.",
        ) from away


@click.command()
def migrate() -> None:
    """Bring the store's tables and views up to date and load the campaigns; running it again is harmless.

    A database that does not exist is made.
    """
    settings = Settings.from_environment(os.environ)
    campaigns = settings.load_campaigns()
    try:
        applied = apply(_open_or_make(settings), campaigns)
    except ClickHouseError as error:
        raise _migration_fault(error, settings) from error
    for name in applied:
        click.echo(f"applied {name}")
    click.echo(f"{settings.store_shown} is up to date ({len(applied)} applied now)")


def _open_or_make(settings: Settings) -> Any:
    try:
        return open_store(settings)
    except NoDatabase:
        create_database(open_store(settings, "default"), database_of(settings.store))
        return open_store(settings)


def _migration_fault(error: ClickHouseError, settings: Settings) -> Fault:
    meant = translate(error, settings.store_shown)
    if isinstance(meant, Fault):
        return meant
    return Fault("clickhouse", str(meant), "Mend that and migrate again: what was applied already is not repeated.")


@click.command()
@click.argument("topics", nargs=-1, type=click.Choice(LANDED), metavar="[TOPIC]...")
def reland(topics: tuple[str, ...]) -> None:
    """Let the sink land TOPIC... once more, from where its log begins; without a name all that it lands.

    Rows that are there are the same rows, so this is harmless at any time.  A sink that runs ends, and goes on from
    there when its supervisor starts it again.
    """
    settings = Settings.from_environment(os.environ)
    forget = "ALTER TABLE landed_positions DELETE WHERE topic IN {topics:Array(String)}"
    chosen = list(topics or LANDED)
    try:
        open_store(settings).command(forget, parameters={"topics": chosen}, settings={"mutations_sync": 1})
    except ClickHouseError as error:
        raise _migration_fault(error, settings) from error
    click.echo(f"the sink begins again with {', '.join(chosen)}")


@click.command()
@click.argument("query")
@click.option("--format", "style", default=None, help="A ClickHouse format: JSON, CSVWithNames, TSV, ...")
@click.option(
    "--store", default=None, help="clickhouse://user@host:port/groundswell; its password by GROUNDSWELL_STORE_PASSWORD."
)
def sql(query: str, style: str | None, store: str | None) -> None:
    """Ask the store QUERY and print the answer; "-" reads the query from standard input."""
    if store and urlsplit(store).password:
        what = "the password in --store can be read by everybody on this machine"
        raise Fault("input", what, "Leave it out and set GROUNDSWELL_STORE_PASSWORD, or set GROUNDSWELL_STORE whole.")
    settings = Settings.from_environment({**os.environ, **({"GROUNDSWELL_STORE": store} if store else {})})
    text = sys.stdin.read() if query == "-" else query
    style = style or ("PrettyCompactNoEscapesMonoBlock" if sys.stdout.isatty() else "TSVWithNames")
    client = open_store(settings)
    try:
        answer = client.raw_query(text.strip().rstrip(";"), fmt=style)
    except ClickHouseError as error:
        raise _query_fault(error, settings) from error
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def _query_fault(error: ClickHouseError, settings: Settings) -> Fault:
    meant = translate(error, settings.store_shown)
    if isinstance(meant, Fault) and meant.whose == "settings":
        return meant
    return Fault("input", f"the store refuses the query: {str(error).splitlines()[0][:400]}", "Mend the query.")
