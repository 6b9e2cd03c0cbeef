"""The real pipeline for tests: a real broker, the real store, the real workers as processes of their own."""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Literal

from infra.clickhouse.migrate import migrate
from infra.embedded.stack import EmbeddedStack
from streams.audit.report import AuditResult
from streams.clickhouse.client import connect
from streams.commands.appeals import Appeal, send_appeal
from streams.commands.audit import audit_with
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from streams.settings import ROLE_NAMES, Settings

Broker = Literal["tansu", "apache"]

# Short, so that a killed worker is noticed within the patience of a test.
GROUP = {"GROUNDSWELL_SESSION_TIMEOUT": "6", "GROUNDSWELL_REBALANCE_TIMEOUT": "3"}
PLAYED = {"GROUNDSWELL_CLOCK": "played", "GROUNDSWELL_RETENTION_DAYS": "-1"}


class Pipeline(AbstractContextManager["Pipeline"]):
    """A stack with topics and tables; workers are started by name."""

    def __init__(self, broker: Broker, environment: Mapping[str, str] | None = None) -> None:
        self.stack = EmbeddedStack(broker=broker)
        self._extra = dict(environment or {})
        self.environment: dict[str, str] = {}
        self.settings = Settings()

    def __enter__(self) -> Pipeline:
        self.stack.open()
        try:
            self.environment = {
                "GROUNDSWELL_KAFKA": self.stack.kafka,
                "GROUNDSWELL_STORE": self.stack.store,
                **GROUP,
                **PLAYED,
                **self._extra,
            }
            self.settings = Settings.from_environment(self.environment)
            create_topics(plan_of(self.settings))
            migrate(connect(self.settings.store), self.settings.load_campaigns())
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()

    def start(self, role: str, name: str | None = None, extra: Mapping[str, str] | None = None) -> None:
        argv = [sys.executable, "-m", "streams.commands", "worker", role]
        self.stack.start(name or role, argv, env={**self.environment, **(extra or {})})

    def start_all(self) -> None:
        for role in ("attribution", "conversion", "sink"):
            self.start(role)

    def wait_for_end(self, name: str, seconds: float = 60.0) -> int:
        """Until a worker has ended by itself; its exit code."""
        deadline = time.monotonic() + seconds
        while name in self.stack.running():
            assert time.monotonic() < deadline, f"{name} runs still\n{self.logs()}"
            time.sleep(0.05)
        return self.stack.kill_child(name)

    def wait_until_ready(self, role: str, metrics_port: int, seconds: float = 60.0) -> None:
        """Until the worker of a role, started with that metrics port, says so."""
        url = f"http://127.0.0.1:{metrics_port + ROLE_NAMES.index(role)}/readyz"
        deadline = time.monotonic() + seconds
        while not _answers(url):
            assert time.monotonic() < deadline, f"{role} is not ready\n{self.logs()}"
            time.sleep(0.1)

    def kill(self, name: str) -> None:
        self.stack.kill_child(name)

    def restart(self, name: str) -> None:
        self.stack.restart_child(name)

    def revive(self) -> list[str]:
        """Start again what ended by itself, as a supervisor would; the names of what had."""
        known = ("attribution", "attribution-2", "conversion", "sink")
        logs = {name for name in known if self.stack.log_of(name).exists()}
        gone = sorted(logs & set(self.stack._children) - set(self.stack.running()))
        for name in gone:
            self.stack.kill_child(name)
            self.stack.restart_child(name)
        return gone

    def play(self, appeal: Appeal, speed: float | None = None) -> int:
        """Send an appeal; how many events were acknowledged."""
        return send_appeal(appeal, self.settings, speed=speed)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in connect(self.settings.store).query(sql).result_rows]

    def wait_until_folded(self, sent: int, seconds: float = 90.0) -> None:
        """Until attribution has folded that many records and conversion and the sink have said so."""
        deadline = time.monotonic() + seconds
        while True:
            rows = self.query("SELECT produced, in_flight FROM landing")
            produced, in_flight = rows[0] if rows else (0, 0)
            if (produced or 0) >= sent and not in_flight:
                return
            assert time.monotonic() < deadline, (
                f"{produced} of {sent} came through, {in_flight} are in flight\n{self.logs()}"
            )
            time.sleep(0.5)

    def audit(self, wait: float = 60.0) -> AuditResult:
        return audit_with(self.settings, wait)

    def logs(self, characters: int = 3000) -> str:
        folder = self.stack.log_of("x").parent
        return "\n".join(f"--- {path.name}\n{path.read_text()[-characters:]}" for path in sorted(folder.glob("*.log")))


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
