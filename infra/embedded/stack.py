"""The whole ground on one laptop: a broker and the embedded ClickHouse, each a process of its own.

with EmbeddedStack() as stack:
    stack.start("worker", [...], env={"GROUNDSWELL_KAFKA": stack.kafka, "GROUNDSWELL_STORE": stack.store})
    while True:
        stack.check()
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from infra.embedded import tansu
from infra.embedded.clickhouse.users import READER, WRITER, passwords
from infra.processes.ports import LOOPBACK, free_port, listens
from infra.processes.stack import Stack

Broker = Literal["tansu", "apache"]


class EmbeddedStack(Stack):
    """A stack whose children `kafka` and `clickhouse` are up once `with` is entered.

    Args:
        keep: folder for ClickHouse's data (and Apache Kafka's) and all logs, that outlives the stack; None: a
            temporary one. tansu keeps nothing in either case.
        broker: "tansu" needs nothing but Python packages, "apache" needs Java and Maven.
        patience: seconds between SIGTERM and SIGKILL of a child.

    Raises:
        Fault: at `with`: something could not be started; nothing is left of what was.
    """

    def __init__(self, keep: Path | None = None, broker: Broker = "tansu", patience: float = 10.0) -> None:
        super().__init__(keep, patience)
        self._broker = broker
        self._brokers: tuple[str, ...] = ()
        self._clickhouse_port = 0

    def open(self) -> None:
        """Start the broker, then ClickHouse; all or nothing."""
        if self._clickhouse_port:
            return
        super().open()
        self._clickhouse_port = free_port()
        try:
            self._start_broker()
            start_clickhouse(self, self.folder / "clickhouse", self._clickhouse_port)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End everything; the stack can be opened again."""
        super().close()
        self._clickhouse_port = 0

    @property
    def kafka(self) -> str:
        """Bootstrap servers, `host:port[,host:port]`."""
        return ",".join(self._brokers)

    @property
    def store(self) -> str:
        """ClickHouse for the user that writes and migrates."""
        return store_url(WRITER, self._clickhouse_port)

    @property
    def reader_store(self) -> str:
        """ClickHouse for the user that only reads."""
        return store_url(READER, self._clickhouse_port)

    def _start_broker(self) -> None:
        if self._broker == "tansu":
            self._brokers = (start_tansu(self),)
            return
        # Imported here: infra.kafka needs Java, the default does not.
        from infra.kafka.cluster import ApacheKafka

        self._brokers = ApacheKafka(stack=self, name="kafka").start().addresses


def start_tansu(stack: Stack, name: str = "kafka") -> str:
    """Start a broker as a child of `stack`; gives `host:port`."""
    port = free_port()
    # Its graceful end waits 5 s for clients to leave, and there is nothing in it to save.
    stack.start(name, tansu.argv(port), ready=lambda: listens(port), patience=0.1)
    return f"{LOOPBACK}:{port}"


def start_clickhouse(stack: Stack, data: Path, port: int, name: str = "clickhouse") -> None:
    """Start the endpoint over the directory `data` as a child of `stack`.

    Raises:
        Fault: the directory is held by another process, or the endpoint is not ready within half a minute.
    """
    argv = [sys.executable, "-m", "infra.embedded.clickhouse", "--data", str(data), "--port", str(port)]
    stack.start(name, argv, ready=lambda: _answers(port))


def store_url(user: str, port: int) -> str:
    """The one setting by which everybody finds the store."""
    password = quote(passwords(os.environ)[user], safe="")
    return f"clickhouse://{user}:{password}@{LOOPBACK}:{port}/groundswell"


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/ping", timeout=1) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False
