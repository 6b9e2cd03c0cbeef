"""server.properties of each node of a cluster on loopback, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.processes.ports import LOOPBACK

LARGEST_MESSAGE = 8 << 20
"""Bytes: a part of a checkpoint is the largest thing we send."""


class Listener(Protocol):
    """One more listener of a broker, beside its plain one; its name is in capitals and of its own on the broker."""

    @property
    def name(self) -> str: ...

    @property
    def protocol(self) -> str:
        """As Kafka calls it, for example `SASL_SSL`."""

    def properties(self) -> dict[str, str]:
        """What `server.properties` says of it, its address apart."""


@dataclass(frozen=True, slots=True)
class Node:
    """One broker that is a controller too. `number` counts from 1; `more` are listeners by their ports, on loopback."""

    number: int
    port: int
    controller_port: int
    folder: Path
    more: Mapping[int, Listener] = field(default_factory=dict)
    host: str = LOOPBACK

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"{self.host}:{self.port}"


def of(node: Node, cluster: Sequence[Node]) -> str:
    """The text of `node`'s file."""
    lines = {**_own(node), **_shared(cluster)}
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def _own(node: Node) -> Mapping[str, str]:
    clients = [f"PLAINTEXT://{node.address}"]
    clients += [f"{listener.name}://{LOOPBACK}:{port}" for port, listener in node.more.items()]
    protocols = ["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"]
    lines = {
        "node.id": str(node.number),
        "process.roles": "broker,controller",
        "listeners": ",".join([*clients, f"CONTROLLER://{node.host}:{node.controller_port}"]),
        "advertised.listeners": ",".join(clients),
        "log.dirs": str(node.folder),
    }
    for listener in node.more.values():
        protocols.append(f"{listener.name}:{listener.protocol}")
        lines |= listener.properties()
    return {**lines, "listener.security.protocol.map": ",".join(protocols)}


def _shared(cluster: Sequence[Node]) -> Mapping[str, str]:
    copies = "3" if len(cluster) >= 3 else "1"
    enough = "2" if len(cluster) >= 3 else "1"
    voters = ",".join(f"{node.number}@{node.host}:{node.controller_port}" for node in cluster)
    return {
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "default.replication.factor": copies,
        "min.insync.replicas": enough,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": enough,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": enough,
        # The default of 50 makes the first join of a group slow.
        "offsets.topic.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",
        "auto.create.topics.enable": "false",
        "message.max.bytes": str(LARGEST_MESSAGE),
        "replica.fetch.max.bytes": str(LARGEST_MESSAGE),
        # A killed broker is noticed within seconds.
        "broker.session.timeout.ms": "6000",
        "broker.heartbeat.interval.ms": "500",
    }
