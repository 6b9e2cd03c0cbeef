"""The other programs and the ceilings: how each is started, and what its run amounts to."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from infra.kafka import jars
from tests.benchmarks.rivals import tools, topics
from tests.benchmarks.rivals.filling import Shape
from tests.benchmarks.rivals.ground import CORE_OF_WORKERS, Ground
from tests.benchmarks.rivals.outputs import COUNTS, Output, output_of_rival
from tests.benchmarks.rivals.run import Run
from tests.benchmarks.rivals.truth import differences
from tests.benchmarks.rivals.watching import Watched, pinned_to, watch

ROOM: Final = "tests.benchmarks.rivals.programs"
START_SECONDS: Final = 60  # a run may take this, and as long as its slowest rate says
SLACK: Final = 4

Says = Literal["topic", "file", "nothing"]


@dataclass(frozen=True)
class Contestant:
    """One program.

    Args:
        command: how it is started; called when it is to run, because it may fetch things first.
        says: where its values are: in the output topic, in a file, or it has none.
        expected_rate: events a second on a slow machine: after four times as long as that says it is ended.
        tables: whose changelogs are made before it starts.
    """

    name: str
    command: Callable[[], list[str]]
    says: Says
    expected_rate: float
    tables: tuple[str, ...] = ()

    def run(self, ground: Ground, shape: Shape) -> Run:
        """Run it once on a log; never raises for what the program itself does wrong."""
        name = ground.begin(self.name)
        try:
            output = f"{name}-values"
            topics.create_output(ground.brokers, output)
            if self.tables:
                topics.create_changelogs(ground.brokers, [f"{name}-{table}-changelog" for table in self.tables])
            watched, code = self._started(ground, shape, name, output)
            said = _said(ground.folder(name) / "said.json")
            if not watched.in_time or code != 0 or said is None or said["count"] < shape.events:
                return self._failed(ground, shape, name, watched, code, said)
            found = self._output(ground, name, output)
            return self._judged(ground, shape, watched, said, found)
        finally:
            ground.end(name)

    def _started(self, ground: Ground, shape: Shape, name: str, output: str) -> tuple[Watched, int]:
        environment = {
            "RIVAL_BROKER": ground.brokers,
            "RIVAL_PREFIX": shape.prefix,
            "RIVAL_EVENTS": str(shape.events),
            "RIVAL_OUTPUT": output,
            "RIVAL_GROUP": name,
            "RIVAL_FOLDER": str(ground.folder(name)),
        }
        argv = [*pinned_to(CORE_OF_WORKERS), *self.command()]
        ground.stack.start(name, argv, env=environment, disposable=True)
        limit = ground.patience(START_SECONDS + SLACK * shape.events / self.expected_rate)
        watched = watch(ground.stack, [name], lambda: False, limit)
        return watched, ground.stack.stop_child(name)

    def _failed(self, ground: Ground, shape: Shape, name: str, watched: Watched, code: int, said: Any) -> Run:
        took = f"{said['count']:,} of {shape.events:,} events" if said else "nothing said"
        end = f"exit code {code}" if watched.in_time else "ended because it took too long"
        log = ground.stack.log_of(name).read_text(errors="replace").strip().splitlines()[-3:]
        wrong = f"{end}, {took}: {' | '.join(log)[-600:]}"
        return ground.failed(self.name, shape, wrong, watched.in_time)

    def _output(self, ground: Ground, name: str, output: str) -> Output | None:
        if self.says == "topic":
            return output_of_rival(ground.brokers, output)
        if self.says == "file":
            return _values_of_file(ground.folder(name) / "values.jsonl")
        return None

    def _judged(self, ground: Ground, shape: Shape, watched: Watched, said: Any, found: Output | None) -> Run:
        wrong = ""
        if found is not None:
            number, shown = differences(ground.truth(shape).values, found.values)
            wrong = f"{number:,} values differ: {'; '.join(shown)}" if number else ""
        last = found.last if found is not None and found.last else said["last"]
        half = said.get("half")
        return Run(
            contestant=self.name,
            log=shape.name,
            events=shape.events,
            seconds=last - said["first"],
            half_rate=shape.events / 2 / (last - half) if half and self.name.startswith("kafka-streams") else None,
            cpu=watched.used_between(said["first"], last),
            memory=watched.peak_memory,
            messages=found.records if found is not None else 0,
            wrong=wrong,
        )


def _said(file: Path) -> Any:
    return msgspec.json.decode(file.read_bytes()) if file.exists() else None


def _values_of_file(file: Path) -> Output:
    values = {}
    for line in file.read_bytes().splitlines():
        row = msgspec.json.decode(line)
        values[row["key"]] = [int(row[name]) for name in COUNTS]
    return Output(values, len(values), 0.0)


def _ours(module: str, *arguments: str) -> Callable[[], list[str]]:
    return lambda: [sys.executable, "-m", f"{ROOM}.{module}", *arguments]


def _theirs(module: str) -> Callable[[], list[str]]:
    return lambda: [str(tools.python()), "-m", f"{ROOM}.{module}"]


def _java(stores: str) -> Callable[[], list[str]]:
    heap = ["-Xms1g", "-Xmx4g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
    return lambda: [jars.java(), *heap, "-cp", tools.classpath(), "Join", stores]


CONTESTANTS: Final = {
    one.name: one
    for one in (
        Contestant(
            "stock-faust",
            _ours("stock_faust", "worker", "-l", "warn"),
            "topic",
            1_000,
            # Faust makes them while it starts, and hangs with PartitionsMismatch where its client has not heard of it.
            ("ids", "owners", "slices", "orphans"),
        ),
        Contestant("quix", _theirs("quix_join"), "topic", 5_000),
        Contestant("bytewax", _theirs("bytewax_join"), "topic", 20_000),
        Contestant("kafka-streams-memory", _java("memory"), "topic", 15_000),
        Contestant("kafka-streams-rocksdb", _java("rocksdb"), "topic", 10_000),
        Contestant("ceiling-aiokafka", _ours("ceilings", "aiokafka"), "nothing", 100_000),
        Contestant("ceiling-msgspec", _ours("ceilings", "msgspec"), "nothing", 100_000),
        Contestant("ceiling-clickhouse", _ours("clickhouse_sql"), "file", 50_000),
    )
}
