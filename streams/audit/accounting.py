"""The table `watermarks`: produced = accepted + duplicates + dead-lettered + passed over + in flight.

Each partition of `slices` keeps its own copy of a source partition's progress; the one with the largest source
version is the newest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from msgspec import Struct

from schemas.campaign import Campaign
from schemas.times import rfc3339
from schemas.topics import SOURCES
from streams.audit.records import Logs, Place, Span
from streams.audit.report import Findings
from streams.audit.store import ms, number, rows
from streams.audit.verdicts import Verdicts

KIND: Final = "accounting"
TICK_MS: Final = 10_000  # a live clock is the moment at which the logs' ends were seen: some ticks ago at most
_VERDICTS: Final = ("accepted", "duplicates", "dead_lettered", "passed_over", "late")
_MAPS: Final = ("positions", "begins", "ends", *_VERDICTS)


class Progress(Struct, frozen=True):
    """The newest landed word on a source partition; `clock` and `computed_at` in epoch milliseconds, `maps` by column
    and topic.  In `live` use the clock ticks with the wall clock."""

    clock: int
    idle: bool
    live: bool
    computed_at: int
    version: int
    maps: dict[str, dict[str, int]]

    def of(self, column: str, topic: str) -> int:
        return self.maps[column].get(topic, 0)


def newest_progress(client: Client) -> dict[int, Progress]:
    """By source partition."""
    newest: dict[int, Progress] = {}
    columns = [ms("clock"), "idle", "live", ms("computed_at"), "source_version", *_MAPS]
    for row in rows(client, "watermarks", [number("slices_partition"), number("source_partition")], columns):
        _, partition, clock, idle, live, computed_at, version, *maps = row
        if partition not in newest or newest[partition].version < version:
            named: dict[str, Any] = dict(zip(_MAPS, maps, strict=True))
            newest[partition] = Progress(clock, bool(idle), bool(live), computed_at, version, named)
    return newest


def watermark_ms(progress: Mapping[int, Progress], partitions: int, campaign: Campaign) -> int | None:
    """How far the campaign is complete, epoch milliseconds; None while a source partition has said nothing.

    Where history is played an idle partition has nothing older to give, so it counts as the newest.
    """
    if len(progress) < partitions:
        return None
    newest = max(row.clock for row in progress.values())
    clocks = (newest if row.idle and not row.live else row.clock for row in progress.values())
    return min(clocks) - campaign.allowed_lateness * 1000


def compare_accounting(progress: Mapping[int, Progress], logs: Logs, verdicts: Verdicts, findings: Findings) -> None:
    """The landed counts of every partition and topic against the oracle's own."""
    counts = {**verdicts.counts(), "passed_over": logs.passed_over()}
    for partition in sorted({place.partition for place in logs.spans}):
        row = progress.get(partition)
        if row is None:
            findings.differ(KIND, f"watermarks has no row of source partition {partition}")
            continue
        for topic in SOURCES:
            place = Place(topic, partition)
            true = {column: counts[column][place] for column in _VERDICTS}
            findings.count(KIND)
            _compare_place(row, place, logs.spans[place], true, findings)
        _compare_clock(row, partition, verdicts, findings)
    for partition in sorted(progress.keys() - {place.partition for place in logs.spans}):
        findings.differ(KIND, f"watermarks has a row of source partition {partition}, which no topic has")


def _compare_place(row: Progress, place: Place, span: Span, true: Mapping[str, int], findings: Findings) -> None:
    topic = place.topic
    name = f"{topic}, partition {place.partition}"
    fields = [("ends", row.of("ends", topic), span.end)]
    if span.begin == 0:
        fields.append(("begins", row.of("begins", topic), 0))
        fields += [(column, row.of(column, topic), true[column]) for column in _VERDICTS]
    findings.compare(KIND, name, fields)

    in_flight = span.end - row.of("positions", topic)
    if in_flight:
        findings.differ(KIND, f"{name}: {in_flight} of {span.end} records are in flight, not yet taken in")
    produced = row.of("ends", topic) - row.of("begins", topic)
    verdicts = [row.of(column, topic) for column in _VERDICTS[:4]]
    told = sum(verdicts) + row.of("ends", topic) - row.of("positions", topic)
    if span.begin == 0 and produced != told:
        parts = " + ".join(map(str, verdicts))
        findings.differ(
            KIND,
            f"{name}: produced {produced} is not accepted + duplicates + dead-lettered + "
            f"passed over {parts} + in flight",
        )


def _compare_clock(row: Progress, partition: int, verdicts: Verdicts, findings: Findings) -> None:
    """Heartbeats may push the clock further than the sources do; no accepted event may be ahead of it, but one whose
    own clock was ahead of the wall clock."""
    accepted = (valid.record for topic in SOURCES for valid in verdicts.accepted[topic])
    newest = max((record.record_time_ms for record in accepted if record.partition == partition), default=0)
    if row.clock < (min(newest, row.computed_at - TICK_MS) if row.live else newest):
        findings.differ(
            KIND,
            f"the clock of source partition {partition} is {rfc3339(row.clock)}, "
            f"the log has an event that was sent at {rfc3339(newest)}",
        )
