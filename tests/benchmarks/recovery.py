"""`make recovery`: how soon a killed attribution worker goes on, and what checkpoints and ids cost.

One Apache Kafka broker and one real worker on loopback.  A log of N events in 4 partitions is filled, then:

  fold      the worker reads the log from its beginning, emits and saves its states
  restart   SIGKILL, one new event for each partition, start: until slices of all four events are in Kafka; once as
            any worker, once as a static member (GROUNDSWELL_INSTANCE)
  refold    SIGKILL, the topic `checkpoints` emptied, start: the log is read from its beginning again

A killed worker stays a member of its group until its session ends, and the broker gives its partitions to nobody
before.  That wait depends on GROUNDSWELL_SESSION_TIMEOUT alone and is printed apart.  A static member does not wait.

Exit code 1 when one of these does not hold:

  * the restart takes at most 5 s: of a static member all of it, of any other the wait for the group apart
  * the refold is as fast as the fold (at least 0.7 of it: one machine, two runs)
  * every record is accepted, a duplicate or a dead letter, the same number after every start
  * memory grows at its peak by at most BYTES_AN_ID for each id and BYTES_A_SLICE for each minute in which an entity had
    an event (what docs/guarantees.md, "Limits", states), and a fixed slack
  * a small log that went through the same, with conversion, sink and ClickHouse behind it, is equal by `audit`
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from typing import Final

from schemas.errors import Fault
from streams.commands.audit import audit_with, describe
from tests.benchmarks.fill import fill
from tests.benchmarks.pipeline import Pipeline
from tests.benchmarks.probes import checkpoint_costs, empty_checkpoints
from tests.benchmarks.promises import Promises
from tests.benchmarks.restarts import INSTANCE, become_static, restart_killed, wait_for, wait_until

RESTART_SECONDS: Final = 5.0
AS_FAST: Final = 0.7
BYTES_AN_ID: Final = 40
BYTES_A_SLICE: Final = 1000
SLACK_BYTES: Final = 128_000_000  # batches on their way, and what referrals brought that nobody has shared yet
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
        dynamic = restart_killed(pipeline)
        print(f"restart: {dynamic}", flush=True)
        become_static(pipeline)
        static = restart_killed(pipeline)
        print(f"restart, static member: {static}", flush=True)
        pipeline.stack.kill_child("attribution")
        empty_checkpoints(pipeline.settings)
        again = fold(pipeline, events)
        say_fold("refold", again)
        print(f"stop: SIGTERM, exit code {pipeline.stack.stop_child('attribution')}")
        costs = asyncio.run(checkpoint_costs(pipeline.settings))
        for cost in costs:
            print(f"checkpoint of partition {cost}", flush=True)
    bound = f"at most {RESTART_SECONDS:g} s"
    run.promise(static.whole <= RESTART_SECONDS, f"restart of a static member in {static.whole:.1f} s, {bound}")
    run.promise(dynamic.ours <= RESTART_SECONDS, f"restart in {dynamic.ours:.1f} s, the group apart, {bound}")
    ratio = again.rate / first.rate
    run.promise(ratio >= AS_FAST, f"refold at {ratio:.2f} of the fold's rate, at least {AS_FAST:g}")
    new = 2 * pipeline.settings.partitions
    counts = (first.judged, again.judged - new)
    run.promise(counts == (events, events), f"records judged: {counts[0]:,} and {counts[1]:,} of {events:,}")
    run.promise(again.ids == first.ids + new, f"ids: {first.ids:,}, then {again.ids:,} with the new events")
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
    with Pipeline({**SETTINGS, **INSTANCE}, HISTORY, store=True) as pipeline:
        asyncio.run(fill(pipeline.kafka.bootstrap, events, pipeline.settings.partitions))
        for role in roles[1:]:
            pipeline.start_worker(role)
        fold(pipeline, events)
        restart_killed(pipeline)
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


if __name__ == "__main__":
    sys.exit(main())
