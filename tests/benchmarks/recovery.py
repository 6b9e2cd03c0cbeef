"""`make recovery`: how soon a killed attribution worker goes on, and what checkpoints and ids cost.

One Apache Kafka broker and one real worker on loopback.  A log of N events in 4 partitions is filled, then:

  fold      the worker reads the log from its beginning, emits and saves its states
  restart   SIGKILL, one new event for each partition, start: until slices of all four events are in Kafka
  refold    SIGKILL, the topic `checkpoints` emptied, start: the log is read from its beginning again

A killed worker stays a member of its group until its session ends, and the broker gives its partitions to nobody
before.  That wait depends on GROUNDSWELL_SESSION_TIMEOUT alone and is printed apart.

Exit code 1 when one of these does not hold:

  * the restart takes at most 5 s, the wait for the group apart
  * the refold is as fast as the fold (at least 0.7 of it: one machine, two runs)
  * every record is accepted, a duplicate or a dead letter, the same number after every start
  * memory grows at its peak by at most BYTES_AN_ID for each id and BYTES_A_SLICE for each minute in which an entity had
    an event (what README, "Limits", states), and a fixed slack
  * a small log that went through the same, with conversion, sink and ClickHouse behind it, is equal by `audit`
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from schemas.errors import Fault
from streams.commands.audit import audit_with, describe
from tests.benchmarks.fill import fill
from tests.benchmarks.pipeline import LOOK_SECONDS, Lines, Pipeline
from tests.benchmarks.probes import Slices, checkpoint_costs, empty_checkpoints, send_one_each
from tests.benchmarks.promises import Promises

RESTART_SECONDS: Final = 5.0
AS_FAST: Final = 0.7
BYTES_AN_ID: Final = 40
BYTES_A_SLICE: Final = 1000
SLACK_BYTES: Final = 64_000_000  # batches on their way in and out
MEGABYTE: Final = 1_000_000
SLOWEST: Final = 2000  # events a second: what is slower has failed
HISTORY: Final = ("2026-03-12T18:00:00Z", "2026-03-14T18:00:00Z")
FOLDED: Final = r"(\d+) records folded in ([\d.]+) s, (\d+) messages acknowledged"
SETTINGS: Final = {
    "GROUNDSWELL_CLOCK": "played",
    "GROUNDSWELL_RETENTION_DAYS": "-1",
}


@dataclass
class Fold:
    """One reading of the whole log."""

    records: int
    seconds: float
    messages: int
    judged: int  # by verdict, together
    ids: int
    memory_before: int
    memory_after: int
    memory_peak: int
    checkpoint_bytes: float

    @property
    def rate(self) -> float:
        return self.records / self.seconds


@dataclass
class Restart:
    """Seconds of a start, by part."""

    process: float  # until the program is loaded and asks for its share
    group: float  # until the group gave it its share
    load: float  # until all checkpoints are read
    emission: float  # until slices of the new events are in Kafka

    @property
    def ours(self) -> float:
        return self.process + self.load + self.emission


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.recovery",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=int, default=10_000_000, help="in the large log")
    parser.add_argument("--check", type=int, default=20_000, help="events of the log that is audited; 0: none")
    options = parser.parse_args()
    run = Promises()
    try:
        if options.check:
            check(run, options.check)
        measure(run, options.events)
    except (Fault, TimeoutError) as error:
        print(f"recovery: FAILED, {error}")
        return 1
    print(f"recovery: {'FAILED' if run.trouble else 'holds'}: {options.events:,} events")
    return 1 if run.trouble else 0


def measure(run: Promises, events: int) -> None:
    """The large log: attribution alone."""
    with Pipeline(SETTINGS, None, store=False) as pipeline:
        began = time.monotonic()
        asyncio.run(fill(pipeline.kafka.bootstrap, events, pipeline.settings.partitions))
        print(f"filled {events:,} events in {time.monotonic() - began:.0f} s", flush=True)
        first = fold(pipeline, events)
        say_fold("fold", first)
        pipeline.stack.kill_child("attribution")
        restart = start_again(pipeline)
        print(
            f"restart: {restart.ours + restart.group:.1f} s = program {restart.process:.1f} s + group "
            f"{restart.group:.1f} s + checkpoints {restart.load:.1f} s + new events and emission "
            f"{restart.emission:.1f} s; {restart.ours:.1f} s without the group",
            flush=True,
        )
        pipeline.stack.kill_child("attribution")
        empty_checkpoints(pipeline.settings)
        again = fold(pipeline, events)
        say_fold("refold", again)
        print(f"stop: SIGTERM, exit code {pipeline.stack.stop_child('attribution')}")
        costs = asyncio.run(checkpoint_costs(pipeline.settings))
        for cost in costs:
            print(f"checkpoint of partition {cost}", flush=True)
    run.promise(restart.ours <= RESTART_SECONDS, f"restart in {restart.ours:.1f} s, at most {RESTART_SECONDS:g} s")
    ratio = again.rate / first.rate
    run.promise(ratio >= AS_FAST, f"refold at {ratio:.2f} of the fold's rate, at least {AS_FAST:g}")
    partitions = pipeline.settings.partitions
    counts = (first.judged, again.judged - partitions)
    run.promise(counts == (events, events), f"records judged: {counts[0]:,} and {counts[1]:,} of {events:,}")
    run.promise(again.ids == first.ids + partitions, f"ids: {first.ids:,}, then {again.ids:,} with the new events")
    slices = sum(cost.slices for cost in costs)
    for name, one in (("fold", first), ("refold", again)):
        grown = one.memory_peak - one.memory_before
        allowed = BYTES_AN_ID * one.ids + BYTES_A_SLICE * slices + SLACK_BYTES
        sentence = (
            f"{name}: memory grew by {grown / MEGABYTE:,.0f} MB at its peak, at most {allowed / MEGABYTE:,.0f} MB"
        )
        run.promise(grown <= allowed, f"{sentence} ({one.ids:,} ids, {slices:,} slices)")


def check(run: Promises, events: int) -> None:
    """A small log through the whole pipeline, attribution killed and robbed of its checkpoints, then audited."""
    roles = ("attribution", "conversion", "sink")
    with Pipeline(SETTINGS, HISTORY, store=True) as pipeline:
        asyncio.run(fill(pipeline.kafka.bootstrap, events, pipeline.settings.partitions))
        for role in roles[1:]:
            pipeline.start_worker(role)
        fold(pipeline, events)
        pipeline.stack.kill_child("attribution")
        start_again(pipeline)
        pipeline.stack.kill_child("attribution")
        empty_checkpoints(pipeline.settings)
        fold(pipeline, events)
        result = audit_with(pipeline.settings, 60.0)
    print(describe(result))
    run.promise(result.equal, f"audit of a log of {events:,} events after the same kills: equal")


def fold(pipeline: Pipeline, events: int) -> Fold:
    """Start the worker and wait until it has said and saved all that the log holds."""
    lines = pipeline.start_worker("attribution")
    wait_for(pipeline, lines, r"attribution starts on", 60)
    before = pipeline.memory("attribution")
    match = wait_for(pipeline, lines, FOLDED, 120 + events / SLOWEST)[1]
    wait_until(lambda: len(pipeline.figures("attribution").of("checkpoint_bytes")) == pipeline.settings.partitions, 60)
    time.sleep(2.0)  # figures are of the last look, a second old
    figures = pipeline.figures("attribution")
    return Fold(
        *(int(match[1]), float(match[2]), int(match[3])),
        judged=int(sum(figures.of("events_total"))),
        ids=int(sum(figures.of("events_total", verdict="accepted"))),
        memory_before=before,
        memory_after=pipeline.memory("attribution"),
        memory_peak=pipeline.memory("attribution", peak=True),
        checkpoint_bytes=sum(figures.of("checkpoint_bytes")),
    )


def start_again(pipeline: Pipeline) -> Restart:
    """Send one new event for each partition, start the worker, wait until slices of all of them are in Kafka."""
    partitions = pipeline.settings.partitions
    send_one_each(pipeline.settings)
    with Slices(pipeline.settings) as slices:
        began = time.monotonic()
        lines = pipeline.start_worker("attribution")
        deadline = began + 120
        while len(slices.first_seen) < partitions:
            slices.look()
            lines.look()
            pipeline.stack.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"slices of {len(slices.first_seen)} partitions after {120} s: {lines.seen[-3:]}")
        emitted = max(slices.first_seen.values())
    asked = lines.find(r"attribution starts on")[0][0]
    loads = lines.find(r"partition \d+ goes on at version \d+ \(([\d.]+) s\)")
    if len(loads) != partitions:
        raise TimeoutError(f"{len(loads)} of {partitions} checkpoints were used")
    loading = loads[0][0] - float(loads[0][1][1])
    return Restart(asked - began, loading - asked, loads[-1][0] - loading, emitted - loads[-1][0])


def say_fold(name: str, one: Fold) -> None:
    before, after, peak = (size / MEGABYTE for size in (one.memory_before, one.memory_after, one.memory_peak))
    each, at_peak = ((size - one.memory_before) / one.ids for size in (one.memory_after, one.memory_peak))
    print(
        f"{name}: {one.records:,} records in {one.seconds:.1f} s, {one.rate:,.0f} records/s, "
        f"{one.messages:,} messages, {one.ids:,} ids\n"
        f"{name}: memory {before:,.0f} MB at its start, {after:,.0f} MB at its end, {peak:,.0f} MB at its peak: "
        f"{each:.0f} and {at_peak:.0f} bytes an id, slices included; "
        f"checkpoints {one.checkpoint_bytes / MEGABYTE:,.1f} MB, {one.checkpoint_bytes / one.ids:.1f} bytes an id",
        flush=True,
    )


def wait_for(pipeline: Pipeline, lines: Lines, pattern: str, seconds: float) -> tuple[float, re.Match[str]]:
    """The first line that matches, and when it was seen."""

    def found() -> bool:
        lines.look()
        pipeline.stack.check()
        return bool(lines.find(pattern))

    wait_until(found, seconds)
    return lines.find(pattern)[0]


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it does not in time.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain")
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
