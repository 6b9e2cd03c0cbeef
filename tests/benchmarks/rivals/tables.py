"""Runs as people read them: tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tests.benchmarks.rivals.flat import Flat
from tests.benchmarks.rivals.goals import FLAT_WITHIN, LONGEST_PAUSE, OURS, Judged
from tests.benchmarks.rivals.run import Summary

TITLES: Final = {
    "groundswell": "Groundswell, attribution",
    "groundswell-pipeline": "Groundswell, whole pipeline into ClickHouse",
    "stock-faust": "stock Faust",
    "quix": "Quix Streams, RocksDB and changelog",
    "bytewax": "Bytewax, no recovery",
    "kafka-streams-memory": "Kafka Streams, in memory and changelog",
    "kafka-streams-rocksdb": "Kafka Streams, RocksDB and changelog",
    "ceiling-aiokafka": "ceiling: aiokafka reads and throws away",
    "ceiling-msgspec": "ceiling: msgspec decodes",
    "ceiling-clickhouse": "ceiling: ClickHouse, one SELECT over filled tables",
}


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def contest(summaries: Sequence[Summary], log: str) -> str:
    """Everybody on one log."""
    there = [summary for summary in summaries if summary.log == log]
    ours = next((summary for summary in there if summary.contestant == OURS and summary.runs), None)
    heading = (
        "program",
        "events/s",
        "slowest to fastest",
        "CPU-s per million",
        "peak RSS MB",
        "records out",
        "ours is",
    )
    return table(heading, [_row(summary, ours) for summary in there])


def _row(summary: Summary, ours: Summary | None) -> list[str]:
    title = TITLES.get(summary.contestant, summary.contestant)
    wrong = f"{len(summary.wrong)} of {len(summary.wrong) + summary.runs} runs WRONG"
    if not summary.runs:
        return [title, *(("WRONG", wrong) if summary.wrong else ("cut off", "")), "", "", "", ""]
    rate = f"{summary.rate:,.0f}"
    if summary.half_rate is not None:
        rate += f" (second half {summary.half_rate:,.0f})"
    spread = f"{summary.slowest:,.0f} to {summary.fastest:,.0f}, {summary.runs} runs"
    range_ = spread if summary.runs > 1 else "1 run"
    return [
        title,
        rate,
        f"{range_}, {wrong}" if summary.wrong else range_,
        f"{summary.cpu_per_million:.1f}",
        f"{summary.memory / 1e6:,.0f}",
        f"{summary.messages:,.0f}" if summary.messages else "",
        "" if ours is None or summary is ours else times(ours.rate / summary.rate),
    ]


def times(ratio: float) -> str:
    return f"{ratio:,.0f} x" if ratio >= 20 else f"{ratio:.1f} x" if ratio >= 1 else f"{ratio:.0%}"


def goals(found: Iterable[Judged]) -> str:
    return table(("goal", "log", "measured", "verdict"), [_goal(one) for one in found])


def _goal(one: Judged) -> list[str]:
    wanted = one.goal.times
    at_least = f"{wanted:.0%} of" if wanted < 1 else f"{wanted:g} x"
    title = TITLES.get(one.goal.contestant, one.goal.contestant) + (", warmed up" if one.goal.warmed_up else "")
    verdict = f"missed by {one.missed_by:.0%}" if one.verdict == "missed" else one.verdict
    return [f"at least {at_least} {title}", one.log, times(one.times) if one.times else "", verdict]


def flat(found: Flat) -> str:
    """How much an event costs as the log and the number of influencers grow."""
    heading = ("log", "events", "influencers", "events/s", "CPU-s per million", "peak RSS MB")
    rows = [
        [point.log, f"{point.events:,}", f"{point.influencers:,}", f"{point.rate:,.0f}", f"{point.cpu:.1f}",
         f"{point.memory / 1e6:,.0f}"]
        for point in found.points
    ]  # fmt: skip
    lines = [table(heading, rows), ""]
    for what, behind in (("events", found.by_events), ("influencers", found.by_influencers)):
        if behind is not None:
            verdict = "met" if behind < FLAT_WITHIN else f"missed by {behind - FLAT_WITHIN:.0%} of the fastest"
            lines.append(
                f"* by {what}: the slowest is {behind:.0%} behind the fastest, goal below {FLAT_WITHIN:.0%}: {verdict}"
            )
    if found.bytes_an_id is not None:
        lines.append(f"* memory: {found.bytes_an_id:.0f} MB per million ids, slices included")
    if found.longest_pause is not None:
        verdict = "met" if found.longest_pause <= LONGEST_PAUSE else "missed"
        pause, goal = found.longest_pause * 1000, LONGEST_PAUSE * 1000
        lines.append(f"* longest pause of the garbage collector: {pause:.0f} ms, goal {goal:.0f} ms: {verdict}")
    return "\n".join(lines)


def failures(summaries: Iterable[Summary]) -> list[str]:
    return [f"{summary.contestant} on {summary.log}: {wrong}" for summary in summaries for wrong in summary.wrong]


def versions(found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in found.items())
