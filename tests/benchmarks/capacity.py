"""`python -m tests.benchmarks.capacity`: what larger appeals need, reckoned from what was measured on a small machine.

A model, not a measurement: nothing here ran at these rates.  It prints the table that stands in
docs/performance.md, "Capacity"; --write puts it there.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.campaign import DEFAULT_WINDOWS

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/performance.md"
BEGIN: Final = "<!-- capacity: begin -->"
END: Final = "<!-- capacity: end -->"
RATES: Final = (10_000, 100_000, 1_000_000)
HEADROOM: Final = 0.5  # of a core: the rest is for bursts, restarts and refolding
REPLICAS: Final = 3
APPEAL_SECONDS: Final = 48 * 3600
ACTIVE_ENTITIES: Final = 1_000


@dataclass(frozen=True)
class Measured:
    """Where each figure comes from is said in SOURCES, in the same order."""

    fold_rate: int = 115_000  # events a second and core
    bytes_an_id: int = 33  # memory of attribution in busy minutes
    slice_bytes: int = 1_000  # a minute in which an entity had an event, a partition
    landing_rate: int = 28_000  # events a second and core, of conversion and sink together
    log_bytes: int = 220  # an event in Kafka, one copy, not compressed
    row_bytes: int = 60  # a raw row in ClickHouse after merges


SOURCES: Final = (
    "attribution folds and publishes 115,000 events a second and core (RESULTS.md, Rivals: 117,786 to 146,628)",
    "an id takes 33 bytes of attribution's memory (RESULTS.md, Overload: 22 over ten minutes, 33 in an older run)",
    "1,000 entities have an event in each minute in every partition, 1,000 bytes each (Limits)",
    "conversion and sink land 28,000 events a second and core (RESULTS.md, Rivals: 42.5 s of CPU a million for the "
    "whole pipeline, 6.8 of them attribution's)",
    "an event is 220 bytes in Kafka, its key included (tests/benchmarks/fill.py), kept three times",
    "a raw row is 60 bytes in ClickHouse, one copy (`make panels`: 34 at a hundred million rows, 47 at a million)",
    "what Kafka and ClickHouse themselves take is not in it: one core served both of them at 23,041 events a second",
    "each of the 1,000 entities keeps 2.2 rows of windows a minute (the default windows), as large as raw rows",
)


@dataclass(frozen=True)
class Need:
    """Of one rate, for an appeal of 48 hours at that rate all the time."""

    rate: int
    attribution: int
    landing: int
    partitions: int
    ids: int
    memory: int
    kafka: int
    clickhouse: int


def need(rate: int, measured: Measured) -> Need:
    """Workers at half a core's load, memory and disk in bytes."""
    attribution = max(math.ceil(rate / (measured.fold_rate * HEADROOM)), 2)  # two: one may die
    landing = max(math.ceil(rate / (measured.landing_rate * HEADROOM)), 4)  # two of each role
    events = rate * APPEAL_SECONDS  # shorter than the horizon: every id is remembered
    partitions = 2 ** math.ceil(math.log2(max(attribution, landing / 2)))  # each role has all of them
    entity_minutes = ACTIVE_ENTITIES * APPEAL_SECONDS // 60 * partitions
    window_rows = ACTIVE_ENTITIES * sum(APPEAL_SECONDS // window.slide for window in DEFAULT_WINDOWS)
    return Need(
        rate=rate,
        attribution=attribution,
        landing=landing,
        partitions=partitions,
        ids=events,
        memory=events * measured.bytes_an_id + entity_minutes * measured.slice_bytes,
        kafka=events * measured.log_bytes * REPLICAS,
        clickhouse=math.ceil((events + window_rows) * measured.row_bytes),
    )


def table(measured: Measured) -> str:
    """Markdown: a line a rate, then what it assumes."""
    lines = [
        "| events/s | attribution workers | conversion and sink workers | partitions | ids in 48 h | worker memory "
        "| Kafka | ClickHouse |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for rate in RATES:
        one = need(rate, measured)
        cells = (f"{rate:,}", one.attribution, one.landing, one.partitions, f"{one.ids / 1e9:,.1f} billion")
        sizes = (size_text(size) for size in (one.memory, one.kafka, one.clickhouse))
        lines.append("| " + " | ".join(str(cell) for cell in (*cells, *sizes)) + " |")
    lines += [
        "",
        "It assumes the rate for all 48 hours, workers at half a core's load, no fewer than two of a role, and:",
        "",
    ]
    return "\n".join([*lines, *(f"* {source}" for source in SOURCES)])


def size_text(size: int) -> str:
    """Bytes in GB or TB, two digits that count."""
    value, unit = (size / 1e12, "TB") if size >= 1e12 else (size / 1e9, "GB")
    return f"{value:,.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"


def with_table(text: str, new: str) -> str:
    """The page with the table between its marks."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{new}\n{END}{rest.split(END)[1]}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.capacity", description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    print(table(Measured()))
    if options.write:
        PAGE.write_text(with_table(PAGE.read_text(), table(Measured())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
