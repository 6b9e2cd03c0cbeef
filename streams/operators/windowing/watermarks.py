"""Watermarks: up to which record time the source partitions have come, of which the slowest counts.

Law: neither the clock nor a watermark ever goes back, and there is no watermark before every source partition has
reported its progress.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from schemas.campaign import Campaign
from schemas.results import Watermark
from schemas.slices import Progress
from schemas.times import rfc3339
from streams.operators.windowing.state import Conversion

# A worker reports every two seconds, also of a partition that is silent; after five such times nobody reads it.
FRESH_MS: Final = 10_000


def apply_progress(
    state: Conversion,
    record: Progress,
    campaigns: Mapping[str, Campaign],
    source_partitions: int,
    now_ms: int | None,
) -> None:
    """Take in the progress of a source partition, and advance the watermarks.

    Args:
        source_partitions: how many there are.
        now_ms: the wall clock, ahead of which no live worker's clock counts; None: every clock is believed.
    """
    known = state.progress.get(record.source_partition)
    if known is not None and record.version < known.version:
        return
    if record.live and now_ms is not None:
        clock, complete = min(record.clock, now_ms), min(record.complete, now_ms)
        record = msgspec.structs.replace(record, clock=clock, complete=complete)
    elif known is not None:
        # A worker that has just taken over may not know yet which clock its predecessor had reached.
        record = msgspec.structs.replace(record, clock=max(record.clock, known.clock))
    state.progress[record.source_partition] = record
    state.progress_at[record.source_partition] = now_ms or 0
    state.clock = max(state.clock, record.clock)
    state.progress_changed.add(record.source_partition)
    if len(state.progress) == source_partitions:
        slowest = min(_clock_of(state, progress) for progress in state.progress.values())
        for campaign in campaigns.values():
            reached = slowest - campaign.allowed_lateness * 1000
            state.watermarks[campaign.id] = max(reached, state.watermarks.get(campaign.id, 0))


def _clock_of(state: Conversion, progress: Progress) -> int:
    """The record time that a source partition has reached.

    Where history is played, one that has read its logs to the end stands where the newest does, as long as its worker
    reports.  In live use its clock ticks with the wall clock, and where its worker is gone it stands still.
    """
    is_fresh = max(state.progress_at.values()) - state.progress_at[progress.source_partition] <= FRESH_MS
    return state.clock if progress.idle and is_fresh and not progress.live else progress.clock


def resume_at(
    state: Conversion,
    campaigns: Mapping[str, Campaign],
    clock: int,
    watermarks: Mapping[str, int],
    now_ms: int | None,
) -> None:
    """Take over the clock and the watermarks that an earlier worker had reached; everything before was emitted.

    They cannot be read off the topic: compaction takes most of what they were made of, and what is left of different
    times would give others.

    Args:
        now_ms: the wall clock in live use: what an earlier worker took to be later than now does not count.
    """
    state.clock = max(state.clock, clock if now_ms is None else min(clock, now_ms))
    for campaign_id, watermark_ms in watermarks.items():
        if campaign_id in campaigns:
            if now_ms is not None:
                watermark_ms = min(watermark_ms, now_ms - campaigns[campaign_id].allowed_lateness * 1000)
            state.closed[campaign_id] = watermark_ms // 1000
            state.watermarks[campaign_id] = max(watermark_ms, state.watermarks.get(campaign_id, 0))
    state.progress_changed.clear()


def take_progress_records(state: Conversion, computed_at: str) -> list[Watermark]:
    """The progress of each source partition whose progress changed since the last time, as records."""
    changed = sorted(state.progress_changed)
    state.progress_changed.clear()
    return [_watermark(state, state.progress[partition], computed_at) for partition in changed]


def _watermark(state: Conversion, progress: Progress, computed_at: str) -> Watermark:
    return Watermark(
        slices_partition=state.partition,
        source_partition=progress.source_partition,
        clock=rfc3339(progress.clock),
        idle=int(progress.idle),
        live=int(progress.live),
        fingerprint=progress.fingerprint,
        source_version=progress.version,
        version=state.version,
        computed_at=computed_at,
        positions=progress.positions,
        begins=progress.begins,
        ends=progress.ends,
        accepted=progress.accepted,
        duplicates=progress.duplicates,
        dead_lettered=progress.dead_lettered,
        late=progress.late,
        passed_over=progress.passed_over,
    )
