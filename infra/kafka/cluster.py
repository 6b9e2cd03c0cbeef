"""One or three Apache Kafka brokers as children of a stack.

with ApacheKafka(brokers=3) as kafka:
    kafka.bootstrap             "127.0.0.1:port,127.0.0.1:port,127.0.0.1:port"
    kafka.kill(2)               SIGKILL
    kafka.start_again(2)        the same port, the same data
"""

from __future__ import annotations

import base64
import logging
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from infra.kafka import jars, properties
from infra.kafka.properties import Listener, Node
from infra.processes.ports import LOOPBACK, free_port, listens
from infra.processes.stack import Stack
from schemas.errors import Fault

UP_WITHIN = 90.0
"""Seconds: one broker takes 3, three take 9, on two idle cores."""

FORMAT_THEN_SERVE = """
java=$1 classpath=$2 heap=$3 data=$4 config=$5 cluster=$6
quiet=-Dorg.slf4j.simpleLogger.defaultLogLevel=warn
test -e "$data/meta.properties" ||
  "$java" "$quiet" -cp "$classpath" kafka.tools.StorageTool format --cluster-id="$cluster" -c "$config" || exit 1
exec "$java" "$heap" "$quiet" -cp "$classpath" kafka.Kafka "$config"
"""
"""In one child, so that nodes format side by side and nothing runs unguarded."""


class BrokerHost(NamedTuple):
    """Where a node runs if not on loopback: an address of a network namespace, and the command that enters it."""

    host: str
    enter: tuple[str, ...]


class ApacheKafka:
    """A cluster that is up between `start` and `stop`, or inside `with`.

    Args:
        brokers: 1 or 3.
        stack: whose children the brokers are; None: a stack of its own, ended by `stop`.
        name: of the children: `name-1`, `name-2`, ...
        data: a folder that outlives the cluster; None: one in the stack's folder.
        port: of the first broker, the others follow; None: free ones.
        listeners: more ways in, on every broker.
        hosts: of each broker; none: loopback.
    """

    def __init__(
        self,
        brokers: int = 1,
        stack: Stack | None = None,
        name: str = "kafka",
        data: Path | None = None,
        port: int | None = None,
        listeners: Sequence[Listener] = (),
        hosts: Sequence[BrokerHost] = (),
    ) -> None:
        if brokers not in (1, 3):
            raise Fault("settings", f"a cluster has 1 or 3 brokers, not {brokers}", "Give --brokers 1 or 3")
        self._stack = stack or Stack(keep=data)
        self._owns_stack = stack is None
        self._name = name
        self._data = data or self._stack.folder / name
        self._disposable = data is None
        self._hosts = tuple(hosts) or (BrokerHost(LOOPBACK, ()),) * brokers
        ports = [free_port() if port is None else port + place for place in range(brokers)]
        self.nodes = tuple(
            Node(
                number,
                ports[number - 1],
                free_port(),
                self._data / f"node-{number}",
                {free_port(): listener for listener in listeners},
                self._hosts[number - 1].host,
            )
            for number in range(1, brokers + 1)
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def addresses(self) -> tuple[str, ...]:
        """`host:port` of each broker."""
        return tuple(node.address for node in self.nodes)

    @property
    def bootstrap(self) -> str:
        """Addresses as clients take them."""
        return ",".join(self.addresses)

    @property
    def stack(self) -> Stack:
        """Whose children the brokers are."""
        return self._stack

    def start(self) -> Self:
        """Bring the cluster up: every broker is registered and answers.

        Raises:
            Fault: Java, Maven or the jars are missing; a port is taken; a broker died or took too long.
        """
        java, folder = jars.java(), jars.resolve()
        self._refuse_taken_ports()
        if self._owns_stack:
            self._stack.open()
        try:
            cluster_id = self._cluster_id()
            for node in self.nodes:
                self._start_node(node, self._argv(node, java, folder, cluster_id))
            for node in self.nodes:
                self._stack.wait_for(self._child(node.number))
        except BaseException:
            self.stop()
            raise
        return self

    def kill(self, node: int) -> None:
        """SIGKILL to a broker."""
        self._stack.kill_child(self._child(node))

    def start_again(self, node: int) -> None:
        """Start a killed broker on its port and data; returns once the cluster counts it as a member."""
        self._stack.restart_child(self._child(node))

    def stop(self) -> None:
        """End all brokers (and the stack, if it is the cluster's own)."""
        if self._owns_stack:
            self._stack.close()
            return
        for node in reversed(self.nodes):
            if self._child(node.number) in self._stack.running():
                self._stack.stop_child(self._child(node.number))

    def _child(self, node: int) -> str:
        return f"{self._name}-{node}"

    def _start_node(self, node: Node, argv: list[str]) -> None:
        self._stack.start(
            self._child(node.number),
            argv,
            ready=lambda: listens(node.port, host=node.host) and node.number in _members(node.address),
            within=UP_WITHIN,
            # Asked politely, the last of three waits for a quorum that will not come back.
            disposable=self._disposable,
            wait=False,
        )

    def _argv(self, node: Node, java: str, folder: Path, cluster_id: str) -> list[str]:
        node.folder.mkdir(parents=True, exist_ok=True)
        config = self._data / f"node-{node.number}.properties"
        config.touch(mode=0o600)  # it may hold passwords
        config.write_text(properties.of(node, self.nodes))
        heap = "-Xmx512m" if len(self.nodes) == 1 else "-Xmx384m"
        return [
            *self._hosts[node.number - 1].enter,
            *("/bin/sh", "-c", FORMAT_THEN_SERVE, "kafka"),
            *(java, f"{folder}/*", heap, str(node.folder), str(config), cluster_id),
        ]

    def _cluster_id(self) -> str:
        remembered = self._data / "cluster-id"
        if not remembered.exists():
            self._data.mkdir(parents=True, exist_ok=True)
            remembered.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        return remembered.read_text()

    def _refuse_taken_ports(self) -> None:
        for node in self.nodes:
            if listens(node.port, host=node.host):
                raise Fault("machine", f"somebody listens on {node.address} already", "Give another --port")


def _members(address: str) -> set[int]:
    """Numbers of the brokers that the one at `address` knows; none while it does not answer."""
    client_log = logging.getLogger("kafka")
    level = client_log.level
    client_log.setLevel(logging.CRITICAL)
    try:
        admin = KafkaAdminClient(bootstrap_servers=address, request_timeout_ms=2000, bootstrap_timeout_ms=1000)
        try:
            brokers = admin.describe_cluster()["brokers"]
            return {broker["broker_id"] for broker in brokers if not broker.get("is_fenced")}
        finally:
            admin.close()
    except (KafkaError, OSError):
        return set()
    finally:
        client_log.setLevel(level)
