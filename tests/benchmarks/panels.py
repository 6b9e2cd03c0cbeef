"""`make panels`: how long every panel's SQL takes at many raw rows, asked as the page and Grafana ask.

Embedded ClickHouse fills itself with --rows raw rows and windows of their entities (tests/benchmarks/panel_rows.py),
merges go on as they come, nothing is forced.  Then every panel is asked as the read-only user, --runs times, one after
another in rounds, with the caches as they are.  A line a panel: p50, p95, the most memory that the server held beyond
what it held before, in MB.  Then each raw table is read with and without FINAL.

Exit code 1 when one of these does not hold:

  * p95 of every panel is at most 0.2 s
  * no panel fails: the reader's limits are 30 s and 512 MiB
  * every table with its copies holds what was written once (count over FINAL)

The disk must hold twice what the rows may take (they are said first), else nothing is written.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from dashboards.boards import BOARDS
from dashboards.macros import Range, expand
from infra.clickhouse.migrate import migrate
from infra.embedded.clickhouse.users import READER, WRITER
from infra.embedded.stack import start_clickhouse, store_url
from infra.processes.ports import free_port
from infra.processes.stack import Stack
from schemas.errors import Fault
from schemas.topics import SOURCES
from streams.clickhouse.client import connect
from tests.benchmarks.distribution import Distribution
from tests.benchmarks.panel_rows import bytes_needed, campaigns, fill_statements, numbers_of, span_ms
from tests.benchmarks.pipeline import peak_memory
from tests.benchmarks.promises import Promises

GOAL_SECONDS: Final = 0.2
CHOICE: Final = {"campaign": ("door",), "influencer": ("influencer-0",)}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.panels",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=100_000_000, help="raw rows")
    parser.add_argument("--runs", type=int, default=7, help="of each panel")
    parser.add_argument("--only", default="", help="panels whose title holds this text")
    options = parser.parse_args()
    judge = Promises()
    try:
        with Stack() as stack:
            free, needed = shutil.disk_usage(stack.folder).free, bytes_needed(options.rows)
            print(f"{options.rows:,} rows may take {needed / 1e9:.0f} GB; {free / 1e9:.0f} GB are free", flush=True)
            if free < 2 * needed:
                print("panels: FAILED, too little disk; give fewer --rows")
                return 1
            measure(stack, options, judge)
    except (Fault, TimeoutError, ClickHouseError) as error:
        print(f"panels: FAILED, {error}")
        return 1
    print(f"panels: {f'FAILED, {len(judge.trouble)} promises' if judge.trouble else 'holds'}: {options.rows:,} rows")
    return 1 if judge.trouble else 0


def measure(stack: Stack, options: argparse.Namespace, judge: Promises) -> None:
    port = free_port()
    start_clickhouse(stack, stack.folder / "clickhouse", port)
    writer = connect(store_url(WRITER, port))
    migrate(writer, campaigns())
    # A block takes longer to write than an ordinary client waits.
    patient = clickhouse_connect.get_client(
        dsn=store_url(WRITER, port), autogenerate_session_id=False, send_receive_timeout=600
    )
    fill(patient, options.rows)
    reader = connect(store_url(READER, port))
    for topic, number in numbers_of(options.rows).items():
        found = reader.query(f"SELECT count() FROM {topic} FINAL").first_row[0]
        judge.promise(found == number, f"{topic}: {found:,} different rows of {number:,}")
    panels = list(questions(options.only))
    ask_all(reader, stack.pid_of("clickhouse"), panels, options.runs, judge)
    say_final(reader, options.runs)


def fill(writer: Any, rows: int) -> None:
    """Write the rows, and say how long it took and what they take."""
    began = time.monotonic()
    written = 0
    for statement, number in fill_statements(rows):
        writer.command(statement)
        written += number
    seconds = time.monotonic() - began
    size = (
        "SELECT sum(bytes_on_disk), count(), sumIf(bytes_on_disk, table IN {tables:Array(String)}), "
        "sumIf(rows, table IN {tables:Array(String)}) FROM system.parts WHERE active AND database = currentDatabase()"
    )
    taken, parts, raw, raw_rows = writer.query(size, parameters={"tables": list(SOURCES)}).first_row
    print(
        f"filled {written:,} rows, windows and copies included, in {seconds:.0f} s ({written / seconds:,.0f} rows/s): "
        f"{taken / 1e9:.2f} GB in {parts} parts, {raw / max(raw_rows, 1):.1f} bytes a raw row",
        flush=True,
    )


def questions(only: str) -> Iterator[tuple[str, str]]:
    """Every panel's name and SQL, its macros expanded."""
    span = Range(*span_ms())
    for board in BOARDS:
        for panel in board.panels:
            name = f"{board.title}: {panel.title}"
            if only.lower() in name.lower():
                yield name, expand(panel.sql, span, CHOICE)


def ask_all(reader: Any, server: int, panels: list[tuple[str, str]], runs: int, judge: Promises) -> None:
    """Ask in rounds, so that no panel finds only its own data in the caches."""
    seconds: dict[str, list[float]] = defaultdict(list)
    memory: dict[str, int] = defaultdict(int)
    failures: dict[str, str] = {}
    for _ in range(runs):
        for name, sql in panels:
            if name in failures:
                continue
            before = forget_peak(server)
            began = time.monotonic()
            try:
                reader.query(sql)
            except Exception as error:  # whatever the driver says: a panel that cannot be shown is the finding
                failures[name] = str(error).partition("\n")[0][:160]
                continue
            seconds[name].append(time.monotonic() - began)
            memory[name] = max(memory[name], peak_memory(server) - before)
    print(f"{'panel':44} {'p50 s':>8} {'p95 s':>8} {'MB':>7}")
    for name, _ in panels:
        spread = Distribution.of(seconds[name])
        print(f"{name:44} {spread.p50:8.3f} {spread.p95:8.3f} {memory[name] / 1e6:7,.0f}", flush=True)
    for name, _ in panels:
        if name in failures:
            judge.promise(False, f"{name} fails: {failures[name]}")
            continue
        slow = Distribution.of(seconds[name]).p95
        judge.promise(slow <= GOAL_SECONDS, f"{name}: p95 {slow:.3f} s, at most {GOAL_SECONDS:g} s")


def forget_peak(server: int) -> int:
    """Let the peak of a process begin anew; what it holds now."""
    Path(f"/proc/{server}/clear_refs").write_text("5")
    return peak_memory(server)


def say_final(reader: Any, runs: int) -> None:
    """What FINAL costs where views use it: counting by campaign with it and without."""
    for topic in SOURCES:
        spreads = []
        for final in ("", " FINAL"):
            times = []
            for _ in range(runs):
                began = time.monotonic()
                reader.query(f"SELECT campaign_id, count() FROM {topic}{final} GROUP BY campaign_id")
                times.append(time.monotonic() - began)
            spreads.append(Distribution.of(times).p50)
        print(f"{topic}: {spreads[0]:.3f} s, with FINAL {spreads[1]:.3f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
