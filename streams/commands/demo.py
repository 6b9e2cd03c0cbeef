"""`groundswell demo`: the whole pipeline on one laptop, an appeal played through it, and its figures.

The broker, the store and the three roles are processes of their own, as in production.  A role that ends with a
surprise is started again, as a supervisor would; one that says what a person must mend ends the demo.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Literal
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from infra.clickhouse.figures import figures, leaderboard_rows
from infra.clickhouse.migrate import migrate
from infra.embedded.clickhouse.users import DEFAULT_PASSWORDS, READER, passwords
from infra.embedded.stack import EmbeddedStack
from infra.processes.ports import LOOPBACK, free_port, listens
from schemas.errors import Fault
from schemas.topics import FOREVER
from streams import logs
from streams.clickhouse.client import connect
from streams.commands.appeals import Appeal, door_appeal, gdq_appeal, parts_of, send_appeal
from streams.commands.audit import audit_with, describe
from streams.commands.page import PORT
from streams.commands.report import print_figures
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from streams.settings import PREFIX, ROLE_NAMES, Settings

LANDING_SECONDS = 100.0
AUDIT_SECONDS = 30.0
RESTARTS = 5
# Wall time of a demo that is watched: the appeal's own 48 hours, then its tail.
APPEAL_SECONDS = 70.0
TAIL_SECONDS = 20.0
WATCH_SECONDS = 1.0
PAGE = "page"
# How to come in elsewhere: the demo's own ground asks for nothing of it, and what has no effect would be refused.
OF_ANOTHER_PLACE = {
    PREFIX + name.upper(): ""
    for name in Settings.__struct_fields__
    if name.startswith(("kafka_", "store_")) or name == "instance"
}


class Speed(click.ParamType):
    """Played seconds a second, or `max`."""

    name = "N|max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Give infinity for `max`."""
        if value == "max":
            return float("inf")
        try:
            speed = float(value)
        except ValueError:
            speed = 0.0
        if not 0 < speed < float("inf"):
            self.fail(f"{value!r} is neither a number above 0 nor max", param, ctx)
        return speed


@click.command()
@click.option("--once", is_flag=True, help="Print the figures and end.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on standard output.")
@click.option(
    "--keep", type=click.Path(path_type=Path), default=None, help="Keep the store's data and all logs in this folder."
)
@click.option(
    "--kafka", type=click.Choice(["tansu", "apache"]), default="tansu", show_default=True, help="Which broker."
)
@click.option(
    "--speed", type=Speed(), default=None, help="Played seconds a second. Left out: 90 seconds in all; max with --once."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help=f"Of the page. Left out: {PORT}; none with --once."
)
@click.option("--replay", type=(click.Choice(["gdq"]), click.Path(path_type=Path)), default=None, help="gdq FILE")
def demo(
    once: bool,
    as_json: bool,
    keep: Path | None,
    kafka: Literal["tansu", "apache"],
    speed: float | None,
    port: int | None,
    replay: tuple[str, Path] | None,
) -> int:
    """Start everything on this machine, play the sample appeal `door` (or a real one), show its figures.

    The live page shows the appeal while it is played.

    Nothing is left running or on disk afterwards, except what --keep keeps.
    """
    _end_on_sigterm()
    logs.configure("text")
    console = Console(stderr=True)
    appeal = door_appeal() if replay is None else gdq_appeal(replay[1])
    stack = EmbeddedStack(keep=keep, broker=kafka)
    with stack:
        runner = Runner(stack, console)
        settings = runner.start()
        if not once or port is not None:
            runner.show_page(port)
        runner.play(appeal, settings, float("inf") if once and speed is None else speed)
        found = runner.figures(appeal, settings)
        _print(found, appeal, settings, as_json)
        if not once:
            runner.keep_up(settings, keep)
    return 0 if found["audit"] == "equal" else 1


class Runner:
    """The demo's steps over a stack that is up."""

    def __init__(self, stack: EmbeddedStack, console: Console) -> None:
        self.stack = stack
        self.console = console
        self._restarts = 0
        self._watched_at = 0.0
        self._page = ""

    def start(self) -> Settings:
        """Topics, tables, the three roles; the settings they run under."""
        environment = {
            **{name: value for name, value in os.environ.items() if name.startswith("GROUNDSWELL_")},
            **OF_ANOTHER_PLACE,
            "GROUNDSWELL_KAFKA": self.stack.kafka,
            "GROUNDSWELL_STORE": self.stack.store,
            "GROUNDSWELL_CLOCK": "played",
            # The appeal is history, and Kafka deletes by record time.
            "GROUNDSWELL_RETENTION_DAYS": str(FOREVER),
            "GROUNDSWELL_REBALANCE_TIMEOUT": "3",
        }
        settings = Settings.from_environment(environment)
        create_topics(plan_of(settings))
        migrate(connect(settings.store), settings.load_campaigns())
        for role in ROLE_NAMES:
            argv = [sys.executable, "-m", "streams.commands", "worker", role]
            self.stack.start(role, argv, env=environment)
        return settings

    def show_page(self, port: int | None) -> None:
        """Serve the live page and say where.

        Args:
            port: None: the usual one, or a free one where that is taken.
        """
        if port is None:
            port = free_port() if listens(PORT) else PORT
        port = port or free_port()
        argv = [sys.executable, "-m", "streams.commands", "page", "--port", str(port)]
        environment = {**OF_ANOTHER_PLACE, "GROUNDSWELL_STORE": self.stack.reader_store}
        self.stack.start(PAGE, argv, env=environment, ready=lambda: listens(port), disposable=True)
        self._page = f"http://{LOOPBACK}:{port}/"
        self.console.print(f"\n[bold]The live page: {self._page}[/bold]  open it and see the appeal grow\n")

    def play(self, appeal: Appeal, settings: Settings, speed: float | None = None) -> None:
        """Send the appeal, and wait until all of it has been folded and has landed.

        Args:
            speed: played seconds a second, infinity: as fast as it goes; None: as long as a demo lasts.
        """
        end_ms = round(settings.load_campaigns()[appeal.campaign_id].end.timestamp() * 1000)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, disable=not self.console.is_terminal) as progress:
            sending = progress.add_task(f"sending {appeal.campaign_id}", total=None)
            sent = 0
            for part, pace in paces(appeal, end_ms, speed):
                sent += send_appeal(
                    part, settings, speed=pace, progress=lambda _at, number: self._played(progress, sending, number)
                )
            landing = progress.add_task("landing", total=sent)
            self._wait_until_landed(settings, sent, lambda number: progress.update(landing, completed=number))

    def _played(self, progress: Progress, sending: TaskID, number: int) -> None:
        progress.update(sending, completed=number)
        if time.monotonic() - self._watched_at > WATCH_SECONDS:
            self._watched_at = time.monotonic()
            self.watch()

    def _wait_until_landed(self, settings: Settings, sent: int, say: Callable[[int], None]) -> None:
        deadline = time.monotonic() + LANDING_SECONDS + sent / 1000
        client = connect(settings.store)
        while True:
            self.watch()
            rows = client.query("SELECT produced, in_flight FROM landing").result_rows
            produced, in_flight = rows[0] if rows else (0, 0)
            say(max(0, (produced or 0) - (in_flight or 0)))
            if (produced or 0) >= sent and not in_flight:
                return
            if time.monotonic() > deadline:
                raise Fault(
                    "groundswell",
                    f"{produced} of {sent} records have come through, {in_flight} are in flight",
                    f"Read the logs in {self.stack.log_of('attribution').parent} (use --keep DIR to keep them).",
                )
            time.sleep(0.5)

    def figures(self, appeal: Appeal, settings: Settings) -> dict[str, Any]:
        """The appeal's figures by SQL over views, and the audit's verdict."""
        result = audit_with(settings, AUDIT_SECONDS)
        if not result.equal:
            self.console.print(describe(result))
        found = figures(connect(self.stack.reader_store), appeal.campaign_id)
        return {**found, "audit": "equal" if result.equal else f"{result.differences_total} differences"}

    def watch(self) -> None:
        """Start roles again that ended with a surprise; raise a Fault for anything else that died."""
        for role in (*ROLE_NAMES, PAGE) if self._page else ROLE_NAMES:
            if role not in self.stack.running() and self._restarts < RESTARTS:
                code = self.stack.kill_child(role)
                if code == 2:
                    raise Fault("settings", f"{role} cannot run", self.stack.log_of(role).read_text()[-500:])
                self._restarts += 1
                self.console.print(f"{role} ended with code {code}, starting it again")
                self.stack.restart_child(role)
        self.stack.check()

    def keep_up(self, settings: Settings, keep: Path | None) -> None:
        """Stay until Ctrl-C."""
        store = address_shown(self.stack.reader_store)
        end = "removes its data" if keep is None else f"keeps the store's data and the logs in {keep}"
        self.console.print(
            f"\nLive page   {self._page}\n"
            f"Kafka       {settings.kafka}\n"
            f"ClickHouse  {store} (reads only)\n\n"
            f'Ask it:  GROUNDSWELL_STORE={store} groundswell sql "SELECT * FROM leaderboard"\n'
            f"Ctrl-C ends everything and {end}.",
            soft_wrap=True,
        )
        try:
            while True:
                self.watch()
                time.sleep(0.5)
        except KeyboardInterrupt:
            self.console.print("stopping")


def address_shown(store: str) -> str:
    """The reader's address, whole where its password is the one that everybody knows."""
    if passwords()[READER] == DEFAULT_PASSWORDS[READER]:
        return store
    parts = urlsplit(store)
    return parts._replace(netloc=f"{READER}:YOUR_READER_PASSWORD@{parts.hostname}:{parts.port}").geturl()


def paces(appeal: Appeal, end_ms: int, speed: float | None) -> list[tuple[Appeal, float | None]]:
    """The appeal in parts, each with its played seconds a second (None: as fast as it goes).

    Without a `speed` the appeal's own time takes APPEAL_SECONDS and its tail TAIL_SECONDS: two days of an appeal that
    has a week of tail would be over before one has seen them.

    Args:
        end_ms: when the appeal's own time ends, epoch milliseconds.
    """
    if speed is not None:
        return [(appeal, None if speed == float("inf") else speed)]
    own, tail = parts_of(appeal, end_ms)
    lengths = ((own, APPEAL_SECONDS), (tail, TAIL_SECONDS))
    return [
        (part, (part.until_ms - part.records[0].record_time_ms) / 1000 / seconds or None)
        for part, seconds in lengths
        if part.records
    ]


def _print(found: dict[str, Any], appeal: Appeal, settings: Settings, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found))
        return
    print_figures(Console(), appeal.campaign_id, found, leaderboard_rows(connect(settings.store), appeal.campaign_id))


def _end_on_sigterm() -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
