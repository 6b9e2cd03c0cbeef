"""`make overload`: producers faster than the workers, and a slow ClickHouse.

One Apache Kafka broker, ClickHouse behind a proxy, one worker of each role, pinned to one core; a producer beside them.

  overload  events come at --rate for --minutes, faster than the workers take them: --beside programs that only count
            share their core meanwhile, or one producer could hardly be faster
  landing   the producer has stopped: everything must land
  brisk     events come at --slow-rate, ClickHouse answers as usual
  slow      the same, and every answer of ClickHouse takes 2 s longer
  landing   ClickHouse answers as usual again: everything must land

Every 5 s a line: how long, the phase, lag of attribution and sink in records, freshness in seconds, memory of the three
workers in MB, rows that wait in the sink, rows of the largest insert of the last 5 s on average.

Exit code 1 when one of these does not hold:

  * the lag and the freshness of attribution are larger at the end of the overload than after its first quarter
  * memory after the first quarter grows by at most the bytes of MEMORY for each new id (ids are state: they are kept
    as long as a duplicate may come) and a fixed slack
  * everything lands: every different event once, accounting without a difference, no worker ended, nobody rejoined
  * slow: rows per insert grow, up to MAXIMUM_ROWS rows (streams/sink.py, 50,000, or 32 MiB) of all tables together and
    one batch; no insert fails
  * `audit` is equal (left out beyond --audit-up-to events: it needs memory for the whole log)
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from typing import Final

from schemas.errors import Fault
from streams.commands.audit import audit_with, describe
from streams.settings import ROLE_NAMES
from tests.benchmarks.pipeline import Pipeline, days_around_now, pinned
from tests.benchmarks.promises import Promises
from tests.benchmarks.sampling import Sampler
from tests.benchmarks.store_checks import has_landed, what_is_missing

MEMORY: Final = {"attribution": 64, "conversion": 16, "sink": 16}  # bytes for each new id
SLACK_BYTES: Final = 48_000_000
BOUND_ROWS: Final = 50_000 + 5_000  # MAXIMUM_ROWS and a batch of POLL_RECORDS on top
SLOW_SECONDS: Final = 60.0
BRISK_SECONDS: Final = 20.0
LANDING_SECONDS: Final = 1200.0
SETTINGS: Final = {"GROUNDSWELL_FLUSH_INTERVAL": "1", "GROUNDSWELL_CHECKPOINT_INTERVAL": "30"}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.overload",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=15_000.0, help="events a second of the overload")
    parser.add_argument("--beside", type=int, default=8, help="idle work on the workers' core during the overload")
    parser.add_argument(
        "--events",
        type=int,
        default=9_000_000,
        help="of the overload, at most: what is sent stays on disk until the end",
    )
    parser.add_argument("--slow-rate", type=float, default=6_000.0, help="events a second beside a slow ClickHouse")
    parser.add_argument("--audit-up-to", type=int, default=1_000_000, help="events that this machine can audit")
    options = parser.parse_args()
    judge = Promises()
    try:
        with Pipeline(SETTINGS, days_around_now(), store=True) as pipeline:
            run(pipeline, options, judge)
    except (Fault, TimeoutError) as error:
        print(f"overload: FAILED, {error}")
        return 1
    return judge.verdict("overload")


def run(pipeline: Pipeline, options: argparse.Namespace, judge: Promises) -> None:
    for role in ROLE_NAMES:
        pipeline.start_worker(role)
    sampler = Sampler(pipeline)
    sampler.wait_until_ready()
    seconds = options.minutes * 60
    others = occupy(pipeline, options.beside)
    good = pour(pipeline, sampler, "overload", 1, (options.rate, options.events, seconds))
    for name in others:
        pipeline.stack.stop_child(name)
    land(pipeline, sampler, good, "landing")
    judge_overload(sampler, judge)
    slow = (options.slow_rate, options.events, BRISK_SECONDS + SLOW_SECONDS)
    good += pour(pipeline, sampler, "slow", 2, slow)
    assert pipeline.proxy is not None
    pipeline.proxy.mode = "pass"
    land(pipeline, sampler, good, "landing again")
    judge_slow(sampler, judge)
    missing = what_is_missing(pipeline.settings, good)
    judge.promise(not missing, "; ".join(missing) or f"all {sum(good.values()):,} events landed once, difference 0")
    if sum(good.values()) <= options.audit_up_to:
        result = audit_with(pipeline.settings, 60.0)
        print(describe(result))
        judge.promise(result.equal, "audit: equal")
    else:
        print(f"no audit: more than {options.audit_up_to:,} events")


def occupy(pipeline: Pipeline, number: int) -> list[str]:
    """Programs that take their share of the workers' core; their names."""
    names = [f"beside-{index}" for index in range(number)]
    for name in names:
        argv = [*pinned(), sys.executable, "-c", "while True: pass"]
        pipeline.stack.start(name, argv, disposable=True)
    return names


def pour(pipeline: Pipeline, sampler: Sampler, phase: str, seed: int, stream: tuple[float, int, float]) -> Counter[str]:
    """Run a producer and sample beside it; how many different events it sent, by topic."""
    rate, events, seconds = stream
    out = pipeline.stack.folder / f"{phase}.json"
    argv = [sys.executable, "-m", "tests.benchmarks.torrent", "--brokers", pipeline.kafka.bootstrap]
    argv += ["--partitions", str(pipeline.settings.partitions), "--seed", str(seed), "--rate", str(rate)]
    argv += ["--events", str(events), "--seconds", str(seconds), "--out", str(out)]
    pipeline.stack.start(phase, argv, may_end=True, patience=60.0)
    begun = time.monotonic()
    while phase in pipeline.stack.running():
        slow = phase == "slow" and time.monotonic() - begun > BRISK_SECONDS
        if pipeline.proxy is not None and slow:
            pipeline.proxy.mode = "slow"
        sampler.sample(phase if phase != "slow" or slow else "brisk")
        pipeline.stack.check()
    return Counter(json.loads(out.read_text()))


def land(pipeline: Pipeline, sampler: Sampler, good: Counter[str], phase: str) -> None:
    """Sample until everything is in the store.

    Raises:
        TimeoutError: it does not come to rest.
    """
    begun = time.monotonic()
    while True:
        last = sampler.sample(phase)
        pipeline.stack.check()
        if last.lag == last.sink_lag == 0 and has_landed(pipeline.settings, good):
            print(f"{phase}: {time.monotonic() - begun:.0f} s", flush=True)
            return
        if time.monotonic() - begun > LANDING_SECONDS:
            raise TimeoutError(f"{last.lag} and {last.sink_lag} records are not taken after {LANDING_SECONDS:.0f} s")


def judge_overload(sampler: Sampler, judge: Promises) -> None:
    samples = sampler.of("overload")
    quarter, last, end = samples[len(samples) // 4], samples[-1], sampler.samples[-1]
    judge.promise(last.lag > quarter.lag, f"lag grew from {quarter.lag:,} to {last.lag:,} records")
    fresh = f"{quarter.freshness:.0f} to {last.freshness:.0f} s"
    judge.promise(last.freshness > quarter.freshness, f"freshness grew from {fresh}")
    ids = end.ids - quarter.ids
    for role in ROLE_NAMES:
        most = max(one.memory[role] for one in sampler.samples) - quarter.memory[role]
        allowed = MEMORY[role] * ids + SLACK_BYTES
        each = f"{most / ids if ids else 0:.0f} bytes each"
        sentence = f"{role} grew by {most / 1e6:,.0f} MB over {ids:,} new ids ({each}), at most {allowed / 1e6:,.0f} MB"
        judge.promise(most <= allowed, sentence)


def judge_slow(sampler: Sampler, judge: Promises) -> None:
    brisk, slow = sampler.of("brisk"), [*sampler.of("slow"), *sampler.of("landing again")]
    before, after = (max((one.insert_rows for one in some), default=0.0) for some in (brisk, slow))
    judge.promise(after > before, f"rows per insert grew from {before:,.0f} to {after:,.0f}")
    waiting = max(one.waiting for one in slow)
    judge.promise(waiting <= BOUND_ROWS, f"at most {waiting:,} rows waited, bound {BOUND_ROWS:,}")
    failures, assignments = sampler.samples[-1].insert_failures, sampler.samples[-1].assignments
    judge.promise(failures == 0, f"{failures} inserts failed")
    judge.promise(
        assignments == len(ROLE_NAMES), f"{assignments} assignments of {len(ROLE_NAMES)} workers: nobody rejoined"
    )


if __name__ == "__main__":
    sys.exit(main())
