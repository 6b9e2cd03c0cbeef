"""Questions asked before a long run begins, so that a wrong setting is one line and not a stack trace."""

from __future__ import annotations

import asyncio
import contextlib

from schemas.errors import Fault
from streams.reach import any_answers, check_entry
from streams.settings import Settings
from streams.store import Away, connect

CONNECT_SECONDS = 5.0


def check_kafka(settings: Settings) -> None:
    """Whether any broker listens, and lets us in.

    Raises:
        Fault: none does.
    """
    if not asyncio.run(any_answers(settings.brokers, CONNECT_SECONDS)):
        raise Fault(
            "kafka",
            f"no broker answers at {settings.kafka}",
            "Start Kafka, or set GROUNDSWELL_KAFKA=host:port[,host:port].",
        )
    if not settings.security.is_plain:
        asyncio.run(check_entry(settings.brokers, settings.security, CONNECT_SECONDS))


def check_store(settings: Settings) -> None:
    """Whether the store takes us; one that is away may come back.

    Raises:
        Fault: it refuses the user or has no such database.
    """
    with contextlib.suppress(Away):
        connect(settings.store).close()
