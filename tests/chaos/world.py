"""What is broken: three brokers, ClickHouse behind a proxy, six workers, a producer, and a supervisor over them."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from infra.clickhouse.migrate import migrate
from infra.embedded.stack import start_clickhouse, store_url
from infra.kafka.cluster import ApacheKafka, BrokerHost
from infra.processes.ports import LOOPBACK, free_port
from infra.processes.stack import Stack
from schemas.secret import READER_PASSWORD, WRITER_PASSWORD
from streams.clickhouse.client import connect
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from streams.settings import Settings
from tests.chaos.clock import STEP_FILE, write_step
from tests.chaos.disk import Disk
from tests.chaos.feed import CAMPAIGN, LATENESS_SECONDS
from tests.chaos.network import ROUTER_ADDRESS, Network
from tests.chaos.pages import Pages
from tests.chaos.proxy import Proxy
from tests.chaos.splits import Splits

WORKERS: Final = {
    "attribution-1": "attribution",
    "attribution-2": "attribution",
    "attribution-3": "attribution",
    "conversion-1": "conversion",
    "conversion-2": "conversion",
    "sink-1": "sink",
}
BROKERS: Final = {1: "kafka-1", 2: "kafka-2", 3: "kafka-3"}  # hosts, and children
SESSION_SECONDS: Final = 6
NO_DISKS: Final[Mapping[str, int]] = MappingProxyType({})
PULSE_SECONDS: Final = 0.2
STEPPED: Final = "attribution-1", "conversion-1"  # hosts whose clock can be stepped, each alone
CAMPAIGN_FILE: Final = """
id = "{id}"
title = "Broken on purpose"
start = {start:%Y-%m-%dT%H:%M:00Z}
end = {end:%Y-%m-%dT%H:%M:00Z}
goal = "100000.00"
currency = "USD"
allowed_lateness = {lateness}
windows = [{{ name = "5m", size = 300, slide = 60 }}, {{ name = "1h", size = 3600, slide = 600 }}]
"""


Query = Callable[[str], list[tuple[Any, ...]]]


class World:
    """Everything that runs, in one stack; `tend` is the supervisor's round.

    Args:
        folder: where everything is kept, logs too.
        static: the workers that are static members of their groups.
        private: this program is in namespaces of its own: every broker and worker becomes a host.
        small: folders below `folder` that are disks of their own, of so many megabytes; only where `private`.
    """

    kafka: ApacheKafka

    def __init__(
        self, folder: Path, static: frozenset[str], private: bool = False, small: Mapping[str, int] | None = None
    ) -> None:
        self.static = static
        self.disks = {name: Disk(folder / name, size) for name, size in (small or {}).items()}
        self.stack = Stack(keep=folder)
        self.network = Network(self.stack, [*BROKERS.values(), *WORKERS]) if private else None
        self.splits = Splits(self.network) if self.network else None
        self.proxy = Proxy(free_port(), free_port(), ROUTER_ADDRESS if private else LOOPBACK)
        self.ended: Counter[tuple[str, int]] = Counter()  # by worker and exit code, other than by our own hand
        self.settings = Settings()
        self.pages = Pages(WORKERS)

    def open(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that `close` is reached; of SIGKILL the guard knows
        self.stack.open()
        if self.network is not None:
            self.network.open()
            # The embedded store answers to another name than loopback's only where nobody knows its passwords.
            for name in (WRITER_PASSWORD, READER_PASSWORD):
                os.environ[name] = secrets.token_hex(16)
        for disk in self.disks.values():
            disk.mount()
        self.kafka = ApacheKafka(brokers=3, stack=self.stack, hosts=[self._place(name) for name in BROKERS.values()])
        self.kafka.start()
        start_clickhouse(self.stack, self.stack.folder / "clickhouse", self.proxy.target)
        self.proxy.start()
        self._environment = self._make_environment()
        self.settings = Settings.from_environment(self._environment)
        create_topics(plan_of(self.settings))
        client = connect(self.settings.store)
        migrate(client, self.settings.load_campaigns())
        client.command("SYSTEM STOP MERGES")

    def close(self) -> None:
        self.proxy.stop()
        self.stack.close()
        if self.network is not None:
            self.network.close()
        for disk in self.disks.values():
            disk.unmount()

    def _make_environment(self) -> dict[str, str]:
        campaigns = self.stack.folder / "campaigns"
        campaigns.mkdir()
        now = datetime.now(UTC)
        text = CAMPAIGN_FILE.format(
            id=CAMPAIGN, lateness=LATENESS_SECONDS, start=now - timedelta(hours=1), end=now + timedelta(hours=47)
        )
        (campaigns / "chaos.toml").write_text(text)
        straight = self.straight_to_store
        return {
            "GROUNDSWELL_KAFKA": self.kafka.bootstrap,
            "GROUNDSWELL_STORE": straight.replace(
                f"{LOOPBACK}:{self.proxy.target}/", f"{self.proxy.host}:{self.proxy.port}/"
            ),
            "GROUNDSWELL_CAMPAIGNS": str(campaigns),
            "GROUNDSWELL_REPLICATION": "3",
            "GROUNDSWELL_SESSION_TIMEOUT": str(SESSION_SECONDS),
            "GROUNDSWELL_REBALANCE_TIMEOUT": str(SESSION_SECONDS),
            "GROUNDSWELL_CHECKPOINT_INTERVAL": "3",
            "GROUNDSWELL_FLUSH_INTERVAL": "0.5",
            "GROUNDSWELL_STUCK_AFTER": "60",
        }

    def _place(self, name: str) -> BrokerHost:
        if self.network is None:
            return BrokerHost(LOOPBACK, ())
        return BrokerHost(self.network.address[name], self.network.enter(name))

    # ---- workers -------------------------------------------------------------------------------------------

    def start_workers(self) -> None:
        for name in WORKERS:
            self.pages.place(name, self._place(name).host, free_port(following=2))
            self.start_worker(name)

    def start_worker(self, name: str, version: Path | None = None) -> None:
        """Start a worker for the first time, or as another version.

        Args:
            version: a folder with another copy of the program.
        """
        role = WORKERS[name]
        host, enter = self._place(name)
        environment = {
            **self._environment,
            "GROUNDSWELL_METRICS_HOST": host,
            "GROUNDSWELL_METRICS_PORT": str(self.pages.port_of(name)),
        }
        if name in self.static:
            environment["GROUNDSWELL_INSTANCE"] = name
        argv = [sys.executable, "-m", "streams.commands", "worker", role]
        if version is not None:
            # -P, so that only its own folder counts.
            argv.insert(1, "-P")
            environment["PYTHONPATH"] = str(version)
        elif name in STEPPED:
            write_step(self._clock_file(name), 0)
            environment[STEP_FILE] = str(self._clock_file(name))
            argv = [sys.executable, "-m", "tests.chaos.clock", role]
        self.stack.start(name, [*enter, *argv], env=environment)

    def tend_for(self, seconds: float) -> None:
        """Supervise for so long."""
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            self.tend()
            time.sleep(PULSE_SECONDS)

    def wait_until_ready(self, seconds: float) -> list[str]:
        """The workers that are not ready so many seconds later; returns as soon as all are."""
        deadline = time.monotonic() + seconds
        while unready := self.not_ready():
            if time.monotonic() > deadline:
                return unready
            self.tend()
            time.sleep(PULSE_SECONDS)
        return []

    def not_ready(self) -> list[str]:
        """The workers whose `/readyz` is not 200, each with what it says."""
        return self.pages.not_ready()

    def step_clock(self, name: str, seconds: int) -> None:
        """Set the wall clock of one of `STEPPED` so far ahead of the machine's, or behind it."""
        write_step(self._clock_file(name), seconds)

    def _clock_file(self, name: str) -> Path:
        return self.stack.folder / f"clock-step-{name}"

    def start_feed(self, seed: int, rate: float, seconds: float) -> None:
        argv = [sys.executable, "-m", "tests.chaos.feed", "--seed", str(seed), "--rate", str(rate)]
        argv += ["--seconds", str(seconds), "--out", str(self.stack.folder / "feed.json")]
        self.stack.start("feed", argv, env=self._environment, may_end=True, patience=90.0)

    def stop_feed(self) -> dict[str, Any]:
        """End the producer; what it has sent.

        Raises:
            RuntimeError: it could not send everything.
        """
        code = self.stack.stop_child("feed")
        if code != 0:
            raise RuntimeError(f"the producer ended with {code}: see {self.stack.log_of('feed')}")
        found: dict[str, Any] = json.loads((self.stack.folder / "feed.json").read_text())
        return found

    def tend(self, names: Iterable[str] = WORKERS) -> None:
        """One round of the supervisor: who has ended is started again; figures are collected now and then."""
        for name in names:
            if name not in self.stack.running():
                self.ended[name, self.stack.kill_child(name)] += 1
                self.stack.restart_child(name)
        self.pages.scrape_now_and_then()

    def kill(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a worker."""
        os.kill(self.stack.pid_of(name), number)

    # ---- the store -----------------------------------------------------------------------------------------

    @property
    def straight_to_store(self) -> str:
        """The store's address behind the proxy."""
        return store_url("groundswell", self.proxy.target)

    def straight_query(self) -> Query:
        """A function that asks the store itself, whatever the proxy does."""
        client = connect(self.straight_to_store)
        return lambda sql: [tuple(row) for row in client.query(sql).result_rows]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in connect(self.settings.store).query(sql).result_rows]

    def environment(self) -> Mapping[str, str]:
        return self._environment
