"""What all runs stand on: one broker on core 0, the filled logs, and for each run a folder and topics of its own."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from infra.kafka.cluster import ApacheKafka
from infra.processes.stack import Stack
from schemas.topics import SOURCES
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from streams.settings import Settings
from tests.benchmarks.fill import CAMPAIGN, write
from tests.benchmarks.pipeline import CAMPAIGN_FILE
from tests.benchmarks.rivals import filling, topics
from tests.benchmarks.rivals.filling import Shape
from tests.benchmarks.rivals.outputs import values_of_topic
from tests.benchmarks.rivals.run import Run
from tests.benchmarks.rivals.truth import Truth, truth_of

CORE_OF_WORKERS: Final = 1
CORE_OF_SERVERS: Final = 0
LAST_SECONDS: Final = 20.0
QUICK_PATIENCE: Final = 60.0


class Ground:
    """Up inside `with`; whatever was started or written is gone after it.

    Args:
        until: monotonic seconds after which nobody shall start, and nobody may go on for long; None: no bound.
    """

    def __init__(self, until: float | None = None) -> None:
        self._until = until
        self.stack = Stack()
        self.kafka = ApacheKafka(stack=self.stack)
        self._truths: dict[str, Path] = {}
        self._runs = 0

    def __enter__(self) -> Self:
        self.stack.open()
        try:
            self.kafka.start()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()

    @property
    def brokers(self) -> str:
        return self.kafka.bootstrap

    def is_time_over(self) -> bool:
        return self._until is not None and time.monotonic() > self._until

    def patience(self, wished: float) -> float:
        """Seconds that a run may take: as many as wished, or where time is bounded, so many that some are left."""
        if self._until is None:
            return wished
        left = max(0.0, self._until - time.monotonic()) + LAST_SECONDS
        return min(wished, left, QUICK_PATIENCE)

    def failed(self, contestant: str, shape: Shape, why: str, in_time: bool = True) -> Run:
        """A run without figures; `in_time`: it was not ended because it took too long."""
        cut_off = not in_time and self._until is not None
        return Run(contestant=contestant, log=shape.name, events=shape.events, wrong=why, cut_off=cut_off)

    def environment(self, shape: Shape, group: str) -> dict[str, str]:
        """Settings of a Groundswell worker on a log: the defaults, but for what playing history needs."""
        return {
            "GROUNDSWELL_KAFKA": self.brokers,
            "GROUNDSWELL_PREFIX": shape.prefix,
            "GROUNDSWELL_GROUP_PREFIX": group,
            "GROUNDSWELL_RETENTION_DAYS": "-1",
            "GROUNDSWELL_CLOCK": "played",
            "GROUNDSWELL_REBALANCE_TIMEOUT": "3",
        }

    def fill(self, shape: Shape) -> Truth:
        """Write a log and count it."""
        self.make_topics(shape)
        started = time.monotonic()
        asyncio.run(write(self.brokers, filling.events(shape), topics.PARTITIONS, shape.prefix))
        filled = time.monotonic()
        truth = truth_of(lambda topic: values_of_topic(self.brokers, shape.prefix + topic))
        path = self.stack.folder / f"truth-{shape.name}"
        path.write_bytes(msgspec.msgpack.encode(truth))
        self._truths[shape.name] = path
        print(
            f"log {shape.name}: {shape.events:,} events in {filled - started:.0f} s, "
            f"{len(truth.values):,} values counted in {time.monotonic() - filled:.0f} s",
            flush=True,
        )
        return truth

    def truth(self, shape: Shape) -> Truth:
        """Read anew each time: the largest has millions of values, and most of the time nobody needs them."""
        return msgspec.msgpack.decode(self._truths[shape.name].read_bytes(), type=Truth)

    def make_topics(self, shape: Shape) -> None:
        """Groundswell's own topics of a log, those that are missing."""
        create_topics(plan_of(Settings.from_environment(self.environment(shape, "bench"))))

    def begin(self, contestant: str) -> str:
        """A name that no run had before; it has a folder."""
        self._runs += 1
        name = f"{contestant}-{self._runs}"
        self.folder(name).mkdir()
        return name

    def folder(self, name: str) -> Path:
        return self.stack.folder / name

    def end(self, name: str) -> None:
        """Remove what a run has left: its folder, and every topic that is no filled log."""
        shutil.rmtree(self.folder(name), ignore_errors=True)
        topics.delete_all_but(self.brokers, {f"{log}-{topic}" for log in self._truths for topic in SOURCES})

    def forget(self, shape: Shape) -> None:
        """Remove a log, to have its room again."""
        self._truths.pop(shape.name).unlink()
        topics.delete_all_but(self.brokers, {f"{log}-{topic}" for log in self._truths for topic in SOURCES})

    def campaigns(self) -> Path:
        """A folder with the campaign of the log and two windows that do not slide.

        By default a campaign has four sliding ones, and an entity that is active all the time has 6,432 results in
        48 hours: a backlog would measure those alone.
        """
        folder = self.stack.folder / "campaigns"
        if not folder.exists():
            folder.mkdir()
            start, end = "2026-03-12T18:00:00Z", "2026-03-14T18:00:00Z"
            (folder / "measured.toml").write_text(CAMPAIGN_FILE.format(id=CAMPAIGN, start=start, end=end))
        return folder
