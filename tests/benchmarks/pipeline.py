"""What the measurements stand on: one Apache Kafka broker, workers with /metrics, and where wished ClickHouse.

Everything listens on loopback and is gone with the pipeline.  Memory is read from /proc, so Linux only.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from prometheus_client.parser import text_string_to_metric_families

from infra.clickhouse.migrate import migrate
from infra.embedded.stack import start_clickhouse, store_url
from infra.kafka.cluster import ApacheKafka
from infra.processes.ports import free_port
from infra.processes.stack import Stack
from streams.clickhouse.client import connect
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from streams.settings import ROLE_NAMES, Settings
from tests.benchmarks.fill import CAMPAIGN
from tests.chaos.proxy import Proxy

LOOK_SECONDS: Final = 0.01
WHOLE_HOUR: Final = "%Y-%m-%dT%H:00:00Z"
CAMPAIGN_FILE: Final = """
id = "{id}"
title = "Measured"
start = {start}
end = {end}
goal = "100000.00"
currency = "USD"
allowed_lateness = 300
windows = [{{ name = "5m", size = 300, slide = 300 }}, {{ name = "1h", size = 3600, slide = 3600 }}]
"""


class Sample(NamedTuple):
    """One value of a worker's /metrics: its name without the prefix, its labels, its value."""

    name: str
    labels: dict[str, str]
    value: float


class Figures:
    """What one worker said of itself at one moment."""

    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples

    def of(self, name: str, **labels: str) -> list[float]:
        """Values of a metric with these labels."""
        wanted = labels.items()
        return [one.value for one in self.samples if one.name == name and wanted <= one.labels.items()]

    def by(self, name: str, label: str) -> dict[str, float]:
        """Sums of a metric by one of its labels."""
        found: dict[str, float] = {}
        for one in self.samples:
            if one.name == name:
                found[one.labels[label]] = found.get(one.labels[label], 0.0) + one.value
        return found


class Lines:
    """A child's log from now on, with the moment at which each line was first seen (monotonic seconds)."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = log.stat().st_size if log.exists() else 0
        self.seen: list[tuple[float, str]] = []

    def look(self) -> None:
        with self._log.open("rb") as stream:
            stream.seek(self._read)
            fresh = stream.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._read += len(whole)
        now = time.monotonic()
        self.seen += [(now, line) for line in whole.decode(errors="replace").splitlines()]

    def find(self, pattern: str) -> list[tuple[float, re.Match[str]]]:
        """When a line matched, and how."""
        return [(at, match) for at, line in self.seen if (match := re.search(pattern, line)) is not None]


class Pipeline:
    """Up inside `with`.

    Args:
        environment: settings of the workers, beside the addresses.
        campaign: start and end (RFC 3339) of a campaign file of our own, with few windows; None: the sample's.
        store: whether ClickHouse runs too, behind a proxy.
    """

    def __init__(self, environment: dict[str, str], campaign: tuple[str, str] | None, store: bool) -> None:
        self.stack = Stack()
        self.kafka = ApacheKafka(stack=self.stack)
        self.proxy = Proxy(free_port(), free_port()) if store else None
        self.environment = dict(environment)
        self.settings = Settings()
        self._campaign = campaign
        self._ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        self.stack.open()
        try:
            self.kafka.start()
            self._make_settings()
            create_topics(plan_of(self.settings))
            if self.proxy is not None:
                migrate(connect(self.settings.store), self.settings.load_campaigns())
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.proxy is not None:
            self.proxy.stop()
        self.stack.close()

    def _make_settings(self) -> None:
        self.environment["GROUNDSWELL_KAFKA"] = self.kafka.bootstrap
        if self._campaign is not None:
            folder = self.stack.folder / "campaigns"
            folder.mkdir()
            start, end = self._campaign
            (folder / "measured.toml").write_text(CAMPAIGN_FILE.format(id=CAMPAIGN, start=start, end=end))
            self.environment["GROUNDSWELL_CAMPAIGNS"] = str(folder)
        if self.proxy is not None:
            straight = self.proxy._target
            start_clickhouse(self.stack, self.stack.folder / "clickhouse", straight)
            self.proxy.start()
            url = store_url("groundswell", straight).replace(f":{straight}/", f":{self.proxy.port}/")
            self.environment["GROUNDSWELL_STORE"] = url
        self.settings = Settings.from_environment(self.environment)

    @property
    def reader_store(self) -> str:
        """ClickHouse for the user that only reads, past the proxy; only with a store."""
        assert self.proxy is not None
        return store_url("reader", self.proxy._target)

    def start_worker(self, role: str) -> Lines:
        """A worker of a role, pinned to the last core where the machine can pin; its log from here on."""
        lines = Lines(self.stack.log_of(role))
        if role in self._ports:
            self.stack.restart_child(role)
            return lines
        self._ports[role] = port = free_port(following=2)
        argv = [*pinned(), sys.executable, "-m", "streams.commands", "worker", role]
        environment = {**self.environment, "GROUNDSWELL_METRICS_PORT": str(port)}
        self.stack.start(role, argv, env=environment, patience=30.0)
        return lines

    def forget_worker(self, role: str) -> None:
        """Of one that was stopped: its next start takes `environment` as it is then."""
        del self._ports[role]

    def figures(self, role: str) -> Figures:
        """What a worker says at /metrics; nothing while it does not answer."""
        port = self._ports[role] + ROLE_NAMES.index(role)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
                text = reply.read().decode()
        except OSError:
            return Figures([])
        families = text_string_to_metric_families(text)
        return Figures(
            [
                Sample(sample.name.removeprefix("groundswell_"), sample.labels, sample.value)
                for family in families
                for sample in family.samples
            ]
        )

    def memory(self, role: str, peak: bool = False) -> int:
        """Bytes that a worker's process holds in memory; `peak`: the most it ever held."""
        pid = self.stack.pid_of(role)
        return peak_memory(pid) if peak else _status_bytes(pid, "VmRSS")


def peak_memory(pid: int) -> int:
    """The most bytes that a process ever held in memory."""
    return _status_bytes(pid, "VmHWM")


def _status_bytes(pid: int, name: str) -> int:
    match = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) * 1024 if match else 0


def days_around_now() -> tuple[str, str]:
    """Begin and end of a campaign of 48 hours that began two hours ago, for producers of events of now."""
    now = datetime.now(UTC)
    begin, end = (now + timedelta(hours=hours) for hours in (-2, 46))
    return begin.strftime(WHOLE_HOUR), end.strftime(WHOLE_HOUR)


def pinned() -> list[str]:
    """How a command line begins whose process keeps to the last core."""
    cores = os.cpu_count() or 1
    return ["taskset", "-c", str(cores - 1)] if cores > 1 and shutil.which("taskset") else []
