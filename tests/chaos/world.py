"""What is broken: three brokers, ClickHouse behind a proxy, six workers, a producer, and a supervisor over them."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from infra.clickhouse.migrate import migrate
from infra.embedded.stack import start_clickhouse, store_url
from infra.kafka.cluster import ApacheKafka
from infra.processes.ports import free_port
from infra.processes.stack import Stack
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from streams.settings import Settings
from streams.store import connect
from tests.chaos.clock import STEP_FILE, write_step
from tests.chaos.feed import CAMPAIGN
from tests.chaos.proxy import Proxy

WORKERS: Final = {
    "attribution-1": "attribution",
    "attribution-2": "attribution",
    "attribution-3": "attribution",
    "conversion-1": "conversion",
    "conversion-2": "conversion",
    "sink-1": "sink",
}
SESSION_SECONDS: Final = 6
SCRAPED_EVERY: Final = 2.0
STEPPED: Final = "attribution-1", "conversion-1"  # the others keep the machine's clock beside them
COUNTED: Final = ("groundswell_records_taken", "groundswell_assignments", "groundswell_rewinds")
CAMPAIGN_FILE: Final = """
id = "{id}"
title = "Broken on purpose"
start = {start:%Y-%m-%dT%H:%M:00Z}
end = {end:%Y-%m-%dT%H:%M:00Z}
goal = "100000.00"
currency = "USD"
allowed_lateness = 60
windows = [{{ name = "5m", size = 300, slide = 60 }}, {{ name = "1h", size = 3600, slide = 600 }}]
"""


class World:
    """Everything that runs, in one stack; `tend` is the supervisor's round.

    Args:
        folder: where everything is kept, logs too.
        static: the workers that are static members of their groups.
    """

    def __init__(self, folder: Path, static: frozenset[str]) -> None:
        self.static = static
        self.stack = Stack(keep=folder)
        self.kafka = ApacheKafka(brokers=3, stack=self.stack)
        self.proxy = Proxy(free_port(), free_port())
        self.ended: Counter[tuple[str, int]] = Counter()  # by worker and exit code, other than by our own hand
        self.counted: Counter[str] = Counter()
        self.settings = Settings()
        self._last: dict[str, dict[str, float]] = {}
        self._ports: dict[str, int] = {}
        self._scraped_at = 0.0

    def open(self) -> None:
        self.stack.open()
        self.kafka.start()
        start_clickhouse(self.stack, self.stack.folder / "clickhouse", self.proxy._target)
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

    def _make_environment(self) -> dict[str, str]:
        campaigns = self.stack.folder / "campaigns"
        campaigns.mkdir()
        now = datetime.now(UTC)
        text = CAMPAIGN_FILE.format(id=CAMPAIGN, start=now - timedelta(hours=1), end=now + timedelta(hours=47))
        (campaigns / "chaos.toml").write_text(text)
        straight = self.proxy._target
        return {
            "GROUNDSWELL_KAFKA": self.kafka.bootstrap,
            "GROUNDSWELL_STORE": store_url("groundswell", straight).replace(f":{straight}/", f":{self.proxy.port}/"),
            "GROUNDSWELL_CAMPAIGNS": str(campaigns),
            "GROUNDSWELL_REPLICATION": "3",
            "GROUNDSWELL_SESSION_TIMEOUT": str(SESSION_SECONDS),
            "GROUNDSWELL_REBALANCE_TIMEOUT": str(SESSION_SECONDS),
            "GROUNDSWELL_CHECKPOINT_INTERVAL": "3",
            "GROUNDSWELL_FLUSH_INTERVAL": "0.5",
            "GROUNDSWELL_STUCK_AFTER": "60",
        }

    # ---- workers -------------------------------------------------------------------------------------------

    def start_workers(self) -> None:
        for name, role in WORKERS.items():
            port = self._ports[name] = free_port(following=2)
            environment = {**self._environment, "GROUNDSWELL_METRICS_PORT": str(port)}
            if name in self.static:
                environment["GROUNDSWELL_INSTANCE"] = name
            argv = [sys.executable, "-m", "streams.commands", "worker", role]
            if name in STEPPED:
                write_step(self._clock_file, 0)
                environment[STEP_FILE] = str(self._clock_file)
                argv = [sys.executable, "-m", "tests.chaos.clock", role]
            self.stack.start(name, argv, env=environment)

    def step_clock(self, seconds: int) -> None:
        """Set the wall clock of `STEPPED` so far ahead of the machine's, or behind it."""
        write_step(self._clock_file, seconds)

    @property
    def _clock_file(self) -> Path:
        return self.stack.folder / "clock-step"

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
        if time.monotonic() - self._scraped_at >= SCRAPED_EVERY:
            self._scraped_at = time.monotonic()
            for name in WORKERS:
                self._scrape(name)

    def kill(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a worker."""
        os.kill(self.stack.pid_of(name), number)

    def _scrape(self, name: str) -> None:
        """Add up what counters grew by since the last look; what a process counted just before its end is missed."""
        port = self._ports[name] + ("attribution", "conversion", "sink").index(WORKERS[name])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=0.5) as reply:
                text = reply.read().decode()
        except OSError:
            self._last.pop(name, None)
            return
        now = {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            if family.name in COUNTED
            for sample in family.samples
            if sample.name.endswith("_total")
        }
        before = self._last.get(name, {})
        for key, value in now.items():
            grown = value - before.get(key, 0.0)
            self.counted[f"{WORKERS[name]} {key}"] += int(grown if grown >= 0 else value)
        self._last[name] = now

    # ---- the store -----------------------------------------------------------------------------------------

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in connect(self.settings.store).query(sql).result_rows]

    def environment(self) -> Mapping[str, str]:
        return self._environment
