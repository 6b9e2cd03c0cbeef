"""Questions asked before a long run begins, so that a wrong setting is one line and not a stack trace."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from schemas.errors import Unreachable
from streams.reach import any_answers, check_entry, nobody_answers
from streams.settings import Settings
from streams.store import Away, connect

logger = logging.getLogger("groundswell.checks")

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
AGAIN_SECONDS = 1.0


def check_kafka(settings: Settings) -> None:
    """Whether any broker listens, and lets us in.

    Raises:
        Unreachable: none does.
        Fault: one listens and refuses us.
    """
    if not asyncio.run(any_answers(settings.brokers, CONNECT_SECONDS)):
        raise nobody_answers(settings.kafka)
    if not settings.security.is_plain:
        asyncio.run(check_entry(settings.brokers, settings.security, CONNECT_SECONDS))


def patiently(ask: Callable[[], object], within: float = ANSWER_SECONDS) -> None:
    """Ask again while brokers come and go: one of three that dies as a worker starts is nobody's fault.

    Raises:
        Fault: what the question raises; `Unreachable` after so many seconds without an answer.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            ask()
            return
        except Unreachable as away:
            if time.monotonic() > deadline:
                raise
            logger.warning("asked again: %s", away)
            time.sleep(AGAIN_SECONDS)


def check_store(settings: Settings) -> None:
    """Whether the store takes us; one that is away may come back.

    Raises:
        Fault: it refuses the user or has no such database.
    """
    with contextlib.suppress(Away):
        connect(settings.store).close()
