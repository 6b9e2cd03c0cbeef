"""The audit: the whole log against every landed row."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from schemas.campaign import Campaign
from schemas.codec import Codec
from schemas.skips import Skips, in_words
from schemas.times import rfc3339
from schemas.topics import HORIZON_DAYS, SOURCES
from streams.audit.accounting import compare_accounting, newest_progress, watermark_ms
from streams.audit.dead_letters import compare_dead_letters
from streams.audit.landed_windows import compare_windows
from streams.audit.logs import read_logs
from streams.audit.oracle import Oracle
from streams.audit.raw_tables import compare_raw_table
from streams.audit.records import Logs, Place, Span
from streams.audit.report import DIFFERENCES_SHOWN, AuditResult, Findings
from streams.audit.verdicts import Verdicts
from streams.gc_tuning import gc_paused

_log: Final = logging.getLogger("groundswell.audit")

PAUSE_SECONDS: Final = 1.0
RESTAMPED_SHOWN: Final = 5


def audit(
    kafka: str,
    client: Client,
    campaigns: Mapping[str, Campaign],
    prefix: str = "",
    partitions: int | None = None,
    *,
    security: Mapping[str, Any] | None = None,
    horizon_days: int = HORIZON_DAYS,
    forgets: bool = True,
    wait: float = 0.0,
    shown: int = DIFFERENCES_SHOWN,
) -> AuditResult:
    """Read the four logs from the beginning and compare every landed row with them.

    Not for an event loop: it runs one of its own.

    Args:
        kafka: bootstrap servers, `host:port[,host:port]`.
        client: of ClickHouse, its database is the one that holds the tables.
        partitions: how many each source topic must have; None takes what is there.
        security: further arguments of the Kafka client.
        wait: seconds to try again while the two differ: the pipeline may still be at work.
        shown: how many differences are told.

    Raises:
        Fault: Kafka or ClickHouse cannot be read.
    """
    deadline = time.monotonic() + wait
    logs: Logs | None = None
    oracle: Oracle | None = None
    while True:
        known = len(logs.records) if logs else -1
        logs = read_logs(kafka, prefix=prefix, partitions=partitions, security=security, after=logs)
        with gc_paused():
            if oracle is None or len(logs.records) != known:
                codec = Codec(campaigns, _partitions(logs), horizon_days, forgets=forgets)
                oracle = Oracle(logs.records, codec)
            result = compare(client, oracle, logs, shown)
        if result.equal or time.monotonic() >= deadline:
            return result
        _log.info("%d rows differ or have not landed yet, looking again", result.differences_total)
        time.sleep(PAUSE_SECONDS)


def compare(client: Client, oracle: Oracle, logs: Logs, shown: int = DIFFERENCES_SHOWN) -> AuditResult:
    """One look at the store.

    Args:
        logs: what `oracle` was made of.
    """
    findings, skips = Findings(shown), Skips.of(logs.skips, "sink")
    verdicts, trimmed = oracle.verdicts, logs.trimmed()
    progress = newest_progress(client)
    compare_accounting(progress, logs, verdicts, findings)
    for topic in SOURCES:
        compare_raw_table(client, topic, verdicts.first_copies[topic], trimmed, skips, findings)
    compare_dead_letters(client, verdicts.dead_letters, trimmed, findings)
    if not trimmed:
        watermarks = {
            campaign.id: watermark_ms(progress, _partitions(logs), campaign) for campaign in oracle.campaigns.values()
        }
        compare_windows(client, oracle, watermarks, findings)
    if not logs.records:
        findings.differ("logs", "the four source topics hold no record, so nothing was compared")
    findings.count("records", len(logs.records))
    _say_what_is_unproven(trimmed, findings)
    for skip in logs.skips:
        findings.unproven(in_words(skip))
    _note(verdicts, findings)
    return findings.result()


def _partitions(logs: Logs) -> int:
    return len({place.partition for place in logs.spans})


def _say_what_is_unproven(trimmed: Mapping[Place, Span], findings: Findings) -> None:
    for place, span in trimmed.items():
        findings.unproven(
            f"{place.topic}, partition {place.partition}: the log begins at {span.begin}, "
            f"its first {span.begin} records are gone"
        )
    if trimmed:
        findings.unproven(
            "windows, owners and counts rest on those records: no window was compared, "
            "only events, dead letters and positions that the logs still hold"
        )


def _note(verdicts: Verdicts, findings: Findings) -> None:
    restamped = verdicts.restamped()
    for (topic, event_id), times in sorted(restamped.items())[:RESTAMPED_SHOWN]:
        seen = ", ".join(map(rfc3339, sorted(times)))
        findings.note(f"{topic}: event {event_id} was seen at {len(times)} times ({seen}) and counts for each")
    if len(restamped) > RESTAMPED_SHOWN:
        findings.note(f"{len(restamped)} event ids in all were seen at more than one time")
    silent = findings.compared["pauses without a zero row"]
    if silent:
        findings.note(f"after {silent} pauses no zero row landed: a chart holds the last value there")
