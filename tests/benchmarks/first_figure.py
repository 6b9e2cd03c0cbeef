"""`make speed`: how many events a second one attribution worker folds, beside stock Faust on the same log.

One run on Apache Kafka on loopback: a log of a million events is filled first, then each program reads it from the
beginning, alone, pinned to one core where the machine can pin.  Groundswell's time runs from its first batch until
everything it says about the whole log is acknowledged.  Stock Faust is given forty seconds of the same log.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from infra.kafka.cluster import ApacheKafka
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from streams.settings import Settings
from tests.benchmarks.fill import fill

EVENTS = int(os.environ.get("EVENTS", "1000000"))
STOCK_SECONDS = 40
PATIENCE_SECONDS = 300
FOLDED = re.compile(r"(\d+) records folded in ([\d.]+) s, (\d+) messages acknowledged")


def main() -> None:
    with ApacheKafka() as kafka:
        settings = Settings.from_environment(
            {"GROUNDSWELL_KAFKA": kafka.bootstrap, "GROUNDSWELL_RETENTION_DAYS": "-1", "GROUNDSWELL_CLOCK": "played"}
        )
        create_topics(plan_of(settings))
        started = time.monotonic()
        asyncio.run(fill(kafka.bootstrap, EVENTS, settings.partitions))
        print(f"filled {EVENTS:,} events in {time.monotonic() - started:.0f} s", flush=True)
        records, seconds, messages = _attribution(settings)
        ours = records / seconds
        print(f"Groundswell attribution: {records:,} events in {seconds:.1f} s, {messages:,} messages acknowledged")
        taken, stock_seconds = _stock(kafka.bootstrap)
        stock = taken / stock_seconds
        print(f"stock Faust:             {taken:,} events in {stock_seconds:.1f} s")
        print(f"{ours:,.0f} events/s against {stock:,.0f} events/s: {ours / stock:.0f} times")


def _attribution(settings: Settings) -> tuple[int, float, int]:
    environment = {
        **os.environ,
        "GROUNDSWELL_KAFKA": settings.kafka,
        "GROUNDSWELL_RETENTION_DAYS": "-1",
        "GROUNDSWELL_CLOCK": "played",
        "GROUNDSWELL_REBALANCE_TIMEOUT": "3",
    }
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "attribution.log"
        with log.open("w") as output:
            worker = subprocess.Popen(
                [*_pin(), sys.executable, "-m", "streams.commands", "worker", "attribution"],
                env=environment,
                stdout=output,
                stderr=output,
            )
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while (match := FOLDED.search(log.read_text())) is None:
                if worker.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"attribution did not finish:\n{log.read_text()[-2000:]}")
                time.sleep(0.2)
        finally:
            worker.terminate()
            worker.wait()
    return int(match[1]), float(match[2]), int(match[3])


def _stock(brokers: str) -> tuple[int, float]:
    done = subprocess.run(
        [*_pin(), sys.executable, "-m", "tests.benchmarks.stock_faust", "worker", "-l", "error"],
        env={**os.environ, "BROKER": brokers, "SECONDS": str(STOCK_SECONDS)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    for line in done.stdout.splitlines():
        if re.fullmatch(r"\d+ [\d.]+", line):
            taken, seconds = line.split()
            return int(taken), float(seconds)
    raise SystemExit(f"stock Faust printed no figure:\n{done.stdout[-500:]}{done.stderr[-2000:]}")


def _pin() -> list[str]:
    cores = os.cpu_count() or 1
    return ["taskset", "-c", str(cores - 1)] if cores > 1 and shutil.which("taskset") else []


if __name__ == "__main__":
    main()
