"""`make scale`: 1, 2 and 4 attribution workers over one filled log, rows of windows a minute, rows inserted a second.

  fold     the log is read from its beginning by 1, 2, 4 workers of a new group each time, checkpoints emptied;
           nobody is pinned.  More workers than cores cannot be faster: the broker takes its part of the same cores.
  insert   one sink with ClickHouse takes the same log and the slices' windows
  windows  conversion emits; rows of conversions a minute beside the bound of active entities

Time runs from the first record that a worker says it judged until all are judged, looked at every 0.2 s; workers say
their figures once a second, so a run of some seconds is off by one.

Exit code 1 when one of these does not hold:

  * every record is judged at least once with any number of workers
  * everything lands once
  * rows of conversions a minute are at most what active entities allow
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
import urllib.request
from collections.abc import Sequence
from typing import Final

from infra.processes.ports import free_port
from schemas.campaign import Window
from schemas.errors import Fault
from streams.clickhouse.client import StoreUnavailable, connect
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from tests.benchmarks.fill import fill
from tests.benchmarks.pipeline import Pipeline
from tests.benchmarks.probes import empty_checkpoints
from tests.benchmarks.promises import Promises
from tests.benchmarks.recovery import HISTORY, SETTINGS, SLOWEST

WORKERS: Final = (1, 2, 4)
LOOK_SECONDS: Final = 0.2
LANDING_SECONDS: Final = 600.0
WINDOWS: Final = (Window("5m", 300, 300), Window("1h", 3600, 3600))  # of the campaign file in pipeline.py


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=int, default=2_000_000, help="in the log")
    options = parser.parse_args()
    judge = Promises()
    try:
        with Pipeline(SETTINGS, HISTORY, store=True) as pipeline:
            run(pipeline, options.events, judge)
    except (Fault, TimeoutError, StoreUnavailable) as error:
        print(f"scale: FAILED, {error}")
        return 1
    return judge.verdict("scale")


def run(pipeline: Pipeline, events: int, judge: Promises) -> None:
    create_topics(plan_of(pipeline.settings))
    asyncio.run(fill(pipeline.kafka.bootstrap, events, pipeline.settings.partitions))
    print(f"filled {events:,} events; {os.cpu_count()} cores", flush=True)
    single = 0.0
    for number in WORKERS:
        rate, judged = fold(pipeline, number, events)
        single = single or rate
        print(f"{number} workers: {rate:,.0f} events/s, {rate / single:.2f} of one", flush=True)
        judge.promise(judged >= events, f"{number} workers judged {judged:,} records of {events:,}")
        empty_checkpoints(pipeline.settings)
    insert(pipeline, events, judge)


def fold(pipeline: Pipeline, number: int, events: int) -> tuple[float, int]:
    """Events a second of so many workers together, and how many records they judged."""
    names, ports = [f"attribution-{number}-{one}" for one in range(number)], []
    for name in names:
        ports.append(port := free_port(following=2))
        environment = {
            **pipeline.environment,
            "GROUNDSWELL_METRICS_PORT": str(port),
            "GROUNDSWELL_GROUP_PREFIX": f"scale-{number}-",
        }
        argv = [sys.executable, "-m", "streams.commands", "worker", "attribution"]
        pipeline.stack.start(name, argv, env=environment, patience=30.0)
    deadline = time.monotonic() + 120 + events / SLOWEST
    begun, judged = time.monotonic(), 0
    while judged < events:
        pipeline.stack.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{number} workers judged {judged:,} of {events:,} records in time")
        time.sleep(LOOK_SECONDS)
        judged = sum(judged_by(port) for port in ports)
        if judged == 0:
            begun = time.monotonic()
    seconds = time.monotonic() - begun
    for name in names:
        pipeline.stack.stop_child(name)
    return events / seconds, judged


def judged_by(port: int) -> int:
    """Records that the attribution worker behind a port has judged; 0 while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
            text = reply.read().decode()
    except OSError:
        return 0
    lines = (line for line in text.splitlines() if line.startswith("groundswell_events_total{"))
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines))


def insert(pipeline: Pipeline, events: int, judge: Promises) -> None:
    """Sink and conversion over what was filled and said: rows a second, and rows of windows a minute."""
    client = connect(pipeline.settings.store)
    for role in ("conversion", "sink"):
        pipeline.start_worker(role)
    begun, first, last, rows = time.monotonic(), 0.0, 0.0, 0
    while time.monotonic() - begun < LANDING_SECONDS:
        pipeline.stack.check()
        time.sleep(LOOK_SECONDS)
        now = sum(pipeline.figures("sink").by("insert_rows_total", "table").values())
        if now > rows:
            rows, last = int(now), time.monotonic()
            first = first or last
        elif rows and time.monotonic() - last > 10:
            break
    seconds = max(last - first, LOOK_SECONDS)
    print(f"insert: {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} rows/s of all tables", flush=True)
    question = "SELECT count(), uniqExact(dimension, member), uniqExact(dimension, member, window, window_end) FROM "
    kept, entities, windows = client.query(question + "conversions FINAL").first_row
    written = pipeline.figures("sink").by("insert_rows_total", "table").get("conversions", 0.0)
    minutes = seconds / 60
    allowed = rows_a_minute(WINDOWS, pipeline.settings.flush_interval)
    print(
        f"windows: {written:,.0f} rows of {entities:,} entities, "
        f"{written / minutes / max(entities, 1):,.1f} a minute each"
    )
    judge.promise(kept == windows, f"{kept:,} windows, {windows:,} different ones")
    # A history is played faster than the clock, so every window's final row comes within these minutes too.
    bound = allowed * entities * minutes + kept
    judge.promise(written <= bound, f"{written:,.0f} rows of windows, at most {bound:,.0f}")
    copies = client.query("SELECT sum(accepted + duplicates), sum(difference) FROM accounting").first_row
    judge.promise(
        tuple(map(int, copies)) == (events, 0), f"accounting of {int(copies[0]):,} records, difference {copies[1]}"
    )


def rows_a_minute(windows: Sequence[Window], flush_seconds: float) -> float:
    """Most rows a minute of one active entity: the newest window of each size every flush, each window once final."""
    return sum(60 / flush_seconds + 60 / window.slide for window in windows)


if __name__ == "__main__":
    sys.exit(main())
