"""What the three roles have in common, as their app sees it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from streams.kafka.batch_producer import BatchProducer
from streams.kafka.loading import Load
from streams.kafka.transport import Batch, Positions
from streams.monitoring.metrics import Sample
from streams.settings import Settings


class Role(Protocol):
    """One agent's logic: the app feeds it batches and calls `flush` every flush interval, one call at a time."""

    @property
    def name(self) -> str: ...

    @property
    def group(self) -> str:
        """Its consumer group, without the prefix that the settings give."""

    @property
    def topics(self) -> tuple[str, ...]:
        """What it reads, names of the contract without a prefix."""

    @property
    def positions(self) -> Positions:
        """The agent's positions: they belong to the role's state."""

    async def start(self, app: Any) -> None:
        """Make outputs ready; inside the running event loop, before the first batch."""

    async def take(self, batch: Batch) -> None:
        """Take in one batch."""

    async def flush(self) -> None:
        """Emit what there is to emit, and wait until it is acknowledged."""

    async def stop(self) -> None:
        """Emit what is left and close the outputs."""

    def ready_partitions(self) -> int | None:
        """How many of the assigned partitions have caught up; None: it has nothing to rebuild."""

    def loading(self) -> Load | None:
        """What it is loading now; None: nothing."""

    def waiting_for(self) -> tuple[str, ...]:
        """What is unavailable outside, so that nothing can go on."""

    def figures(self) -> Iterable[Sample]:
        """Samples of its metrics, of `streams.monitoring.metrics.KINDS`; called inside the event loop."""


def emissions_of(producer: BatchProducer, settings: Settings) -> list[Sample]:
    """Acknowledged messages by topic."""
    return [Sample("emissions", (settings.logical(topic),), number) for topic, number in producer.acknowledged.items()]


class WholeFlushes:
    """Flushes, one at a time, and none after one that broke off.

    A flush takes what it is going to publish out of the state.  If it breaks off, that is not published, and a later
    checkpoint or mark would record that it was.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._interrupted = False

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Around a flush.

        Raises:
            RuntimeError: an earlier one broke off.
        """
        async with self._lock:
            if self._interrupted:
                raise RuntimeError("an earlier flush was interrupted, what it took is not published: starting anew")
            self._interrupted = True
            yield
            self._interrupted = False

    async def are_whole(self) -> bool:
        """Whether none broke off; waits for the one that is going on."""
        async with self._lock:
            return not self._interrupted


def new_incarnation() -> str:
    """A name that nobody wrote under before: new at every start and assignment."""
    return secrets.token_hex(4)


def limited(mapping: Mapping[int, Any], keep: frozenset[int]) -> dict[int, Any]:
    return {key: value for key, value in mapping.items() if key in keep}
