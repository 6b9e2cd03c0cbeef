"""Asking something outside again while it is unavailable, and logging that once.

Law: what a person must mend is not asked again; it passes through as it was raised.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Answer = TypeVar("Answer")
Errors = type[Exception] | tuple[type[Exception], ...]


class Availability:
    """Whether something outside answers: one log line when it no longer does, one when it does again.

    Args:
        what: for people, for example "Kafka at 127.0.0.1:9092".
    """

    def __init__(self, what: str, logger: logging.Logger) -> None:
        self.is_lost = False
        self._what = what
        self._logger = logger

    def lost(self, why: object) -> None:
        """It does not answer, and `why` says that in a sentence."""
        if not self.is_lost:
            self.is_lost = True
            self._logger.warning("%s; waiting, nothing is lost", why)

    def answers(self) -> None:
        if self.is_lost:
            self.is_lost = False
            self._logger.warning("%s answers again", self._what)


def retry(
    ask: Callable[[], Answer],
    on: Errors,
    note: Callable[[Exception], object],
    wait: float,
    within: float = math.inf,
) -> Answer:
    """Ask until there is an answer.

    Args:
        on: the errors after which it is asked again.
        note: called with each of them.
        wait: seconds between two attempts.
        within: seconds after which the next such error is raised.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            return ask()
        except on as error:
            if time.monotonic() > deadline:
                raise
            note(error)
        time.sleep(wait)


async def retry_async(
    ask: Callable[[], Awaitable[Answer]], on: Errors, note: Callable[[Exception], object], waits: Sequence[float]
) -> Answer:
    """The same inside an event loop, without a limit; `waits` are the seconds after each attempt, the last for ever."""
    for attempt in itertools.count():
        try:
            return await ask()
        except on as error:
            note(error)
        await asyncio.sleep(waits[min(attempt, len(waits) - 1)])
    raise AssertionError("attempts do not end")
