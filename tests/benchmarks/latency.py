"""`make latency`: from the record time of an event to the first query in ClickHouse that sees it.

One Apache Kafka broker, embedded ClickHouse, one worker of each role with default settings, pinned to one core; a
producer beside them (tests/benchmarks/torrent.py), and probes (tests/benchmarks/probe.py, which says what is asked).

  sustained  --rate events a second for --minutes
  burst      a second producer is asked for nine times as many on top, for --burst seconds
  after      the first producer goes on alone for AFTER_SECONDS

Exit code 1 when one of these does not hold, for the raw table and for the windows alike:

  * sustained: p99 is at most 1 s; the producer came to at least 95 % of what was asked
  * burst: p99 is at most 3 s, and 30 s after its end no probe takes more than 1 s
  * every probe was seen, and everything that was sent landed once, with an accounting without a difference

What the burst's producer came to is said, not promised: on a small machine it shares the cores with the workers.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from schemas.errors import Fault
from streams.clickhouse.client import StoreUnavailable
from streams.settings import ROLE_NAMES
from tests.benchmarks.distribution import Distribution
from tests.benchmarks.overload import land
from tests.benchmarks.pipeline import Pipeline, days_around_now
from tests.benchmarks.probe import Probe, Sighting
from tests.benchmarks.promises import Promises
from tests.benchmarks.sampling import Sampler
from tests.benchmarks.store_checks import what_is_missing

SUSTAINED_SECONDS: Final = 1.0
BURST_SECONDS: Final = 3.0
NORMAL_WITHIN: Final = 30.0
AFTER_SECONDS: Final = 60.0
TIMES: Final = 10
AS_ASKED: Final = 0.95
TABLES: Final = ("raw", "windows")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.latency",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=5_000.0, help="events a second")
    parser.add_argument("--burst", type=float, default=30.0, help="seconds")
    parser.add_argument("--probes", type=float, default=8.0, help="a second")
    options = parser.parse_args()
    judge = Promises()
    try:
        with Pipeline({}, days_around_now(), store=True) as pipeline:
            run(pipeline, options, judge)
    except (Fault, TimeoutError, StoreUnavailable) as error:
        print(f"latency: FAILED, {error}")
        return 1
    return judge.verdict("latency")


def run(pipeline: Pipeline, options: argparse.Namespace, judge: Promises) -> None:
    for role in ROLE_NAMES:
        pipeline.start_worker(role)
    sampler = Sampler(pipeline)
    sampler.wait_until_ready()
    whole = options.minutes * 60 + options.burst + AFTER_SECONDS
    with Probe(pipeline.settings, pipeline.reader_store, options.probes) as probe:
        steady = pour(pipeline, "steady", 1, (options.rate, whole))
        begun = time.time()
        watch(pipeline, sampler, probe, "sustained", begun + options.minutes * 60)
        burst_at = time.time()
        burst = pour(pipeline, "burst", 2, (options.rate * (TIMES - 1), options.burst))
        while "burst" in pipeline.stack.running():
            watch(pipeline, sampler, probe, "burst", time.time())
        calm_at = time.time()
        while "steady" in pipeline.stack.running():
            watch(pipeline, sampler, probe, "after", time.time())
        seconds = time.time() - begun
        probe.stop_sending()
        sent = [Counter(json.loads(out.read_text())) for out in (steady, burst)]
        good = probe.good + sent[0] + sent[1]
        land(pipeline, sampler, good, "landing")
        time.sleep(2 * pipeline.settings.flush_interval + 1)  # the last windows
        probe.check()
        found = probe.sightings
    asked = options.rate * seconds * 0.99  # 1 % of what is sent are copies, and not counted
    steadily = sum(sent[0].values())
    judge.promise(
        steadily >= AS_ASKED * asked, f"{steadily / seconds:,.0f} new events/s sustained over {seconds:.0f} s"
    )
    print(f"burst: {sum(sent[1].values()) / (calm_at - burst_at):,.0f} new events/s on top, {calm_at - burst_at:.0f} s")
    judge_probes(found, (burst_at, calm_at), judge)
    missing = what_is_missing(pipeline.settings, good)
    judge.promise(not missing, "; ".join(missing) or f"all {sum(good.values()):,} events landed once, difference 0")


def pour(pipeline: Pipeline, name: str, seed: int, stream: tuple[float, float]) -> Path:
    """Start a producer of so many events a second for so many seconds; where it writes what it sent."""
    rate, seconds = stream
    out = pipeline.stack.folder / f"{name}.json"
    argv = [sys.executable, "-m", "tests.benchmarks.torrent", "--brokers", pipeline.kafka.bootstrap]
    argv += ["--partitions", str(pipeline.settings.partitions), "--seed", str(seed), "--rate", str(rate)]
    argv += ["--events", str(int(rate * seconds)), "--seconds", str(seconds), "--out", str(out)]
    pipeline.stack.start(name, argv, may_end=True, patience=60.0)
    return out


def watch(pipeline: Pipeline, sampler: Sampler, probe: Probe, phase: str, until: float) -> None:
    """Sample at least once, and until a moment."""
    while True:
        sampler.sample(phase)
        pipeline.stack.check()
        probe.check()
        if time.time() >= until:
            return


def judge_probes(found: Sequence[Sighting], burst: tuple[float, float], judge: Promises) -> None:
    """What the probes say of the phases; `burst` are its begin and end, epoch seconds."""
    begun, ended = burst
    for table in TABLES:
        waits = [(one.sent_at, getattr(one, table)) for one in found]
        unseen = sum(wait is None for _, wait in waits)
        judge.promise(unseen == 0, f"{table}: {len(waits) - unseen:,} of {len(waits):,} probes seen")
        seen = [(at, wait) for at, wait in waits if wait is not None]
        for phase, since, until, goal in (
            ("sustained", 0.0, begun, SUSTAINED_SECONDS),
            ("burst", begun, ended, BURST_SECONDS),
        ):
            spread = Distribution.of(wait for at, wait in seen if since <= at < until)
            holds = spread.number > 0 and spread.p99 <= goal
            judge.promise(holds, f"{table}, {phase}: {spread}; p99 at most {goal:g} s")
        normal = back_to_normal(seen, ended)
        judge.promise(normal <= NORMAL_WITHIN, f"{table}: normal {normal:.1f} s after the burst, at most 30 s")


def back_to_normal(seen: Sequence[tuple[float, float]], ended: float) -> float:
    """Seconds from the burst's end until the last probe that took longer than normal was seen; 0: none did."""
    slow = [at + wait - ended for at, wait in seen if at + wait > ended and wait > SUSTAINED_SECONDS]
    return max(slow, default=0.0)


if __name__ == "__main__":
    sys.exit(main())
