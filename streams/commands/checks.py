"""Questions asked before a long run begins, so that a wrong setting is one line and not a stack trace."""

from __future__ import annotations

import contextlib
import socket

from schemas.errors import Fault
from streams.settings import Settings
from streams.store import Away, connect

CONNECT_SECONDS = 5.0


def check_kafka(settings: Settings) -> None:
    """Whether any broker listens.

    Raises:
        Fault: none does.
    """
    for broker in settings.brokers:
        host, _, port = broker.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
        except OSError:
            continue
        return
    raise Fault(
        "kafka",
        f"no broker answers at {settings.kafka}",
        "Start Kafka, or set GROUNDSWELL_KAFKA=host:port[,host:port].",
    )


def check_store(settings: Settings) -> None:
    """Whether the store takes us; one that is away may come back.

    Raises:
        Fault: it refuses the user or has no such database.
    """
    with contextlib.suppress(Away):
        connect(settings.store).close()
