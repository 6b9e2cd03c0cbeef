"""The steps of conversion: slices of all source partitions in, results of sliding windows and watermarks out.

Law: the state of a partition of `slices` is a fold of that partition, and a result's version is its position there,
after the epoch of that log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.campaign import Campaign
from schemas.results import Result
from schemas.slices import Entity, Progress, Slice, SliceRecord
from schemas.times import rfc3339
from streams.operators.counters import Counters
from streams.operators.windowing.emission import (
    begin_windows,
    close_windows,
    emit_windows,
    mark_pending,
    remember_open,
    window_named,
)
from streams.operators.windowing.merging import merge_slice
from streams.operators.windowing.state import Conversion, WindowEnds
from streams.operators.windowing.timeline import LEVELS
from streams.operators.windowing.watermarks import apply_progress, resume_at, take_progress_records

UNLIMITED: Final = 1_000_000_000


class Windower:
    """The steps of conversion, with the settings they depend on.

    Args:
        source_partitions: how many partitions each source topic has.
        partitions: how many `slices` has; with one, everything is at home in it.
    """

    def __init__(self, campaigns: Mapping[str, Campaign], source_partitions: int, partitions: int = 1) -> None:
        self.campaigns = dict(campaigns)
        self.source_partitions = source_partitions
        self.partitions = partitions

    def apply(
        self,
        state: Conversion,
        record: SliceRecord,
        *,
        now_ms: int | None = None,
        emitted: bool = False,
        catching_up: bool = False,
    ) -> Counters | None:
        """Fold one record of `slices`; returns how it changed its minute, None where it did not.

        Args:
            now_ms: the wall clock, ahead of which no live worker's clock counts; None: every clock is believed.
            emitted: what this record changes was emitted before a restart; it is only needed as state.
            catching_up: an earlier worker may have seen, and emitted, records before this one that compaction has
                taken: its windows are emitted even if nothing changes here.
        """
        if isinstance(record, Slice):
            entity = Entity(record.campaign_id, record.dimension, record.member)
            change = merge_slice(state, entity, record, self.partitions)
            if change is None or (not catching_up and change.is_zero()):
                return None
            campaign = self.campaigns.get(entity.campaign_id)
            if campaign is not None and not emitted and entity not in state.copies:
                mark_pending(state, campaign, entity, record.end)
            return change
        if isinstance(record, Progress):
            apply_progress(state, record, self.campaigns, self.source_partitions, now_ms)
        return None

    def resume(self, state: Conversion, clock: int, watermarks: Mapping[str, int], now_ms: int | None = None) -> None:
        """Go on where an earlier worker had come: by this clock and these watermarks everything was emitted.

        Args:
            now_ms: the wall clock in live use: what an earlier worker took to be later than now does not count.
        """
        resume_at(state, self.campaigns, clock, watermarks, now_ms)
        remember_open(state, self.campaigns)

    def flush(self, state: Conversion, now_ms: int, limit: int = UNLIMITED) -> tuple[list[Result], bool]:
        """The results that are due, about `limit` of them at most, and whether that is all.

        Watermarks come last, when every result before them is out: they vouch for it.

        Args:
            now_ms: processing time, only a column of the rows.
        """
        computed_at = rfc3339(now_ms)
        for campaign_id, watermark_ms in state.watermarks.items():
            close_windows(state, self.campaigns[campaign_id], watermark_ms // 1000)
        begin_windows(state, self.campaigns)
        results: list[Result] = []
        waiting: WindowEnds = {}
        while state.pending and len(results) < limit:
            (entity, name), ends = state.pending.popitem()
            campaign = self.campaigns[entity.campaign_id]
            later = emit_windows(state, campaign, entity, name, ends, computed_at, results)
            if later:
                waiting[entity, name] = later
        is_all = not state.pending
        if is_all:
            results += take_progress_records(state, computed_at)
        state.pending.update(waiting)
        return results, is_all

    def forget(self, state: Conversion) -> None:
        """Drop the minutes of which no source partition publishes anything any more, and that no window needs.

        What is still to be emitted is needed: a minute may have been published right before it was forgotten.
        """
        if len(state.progress) < self.source_partitions:
            return
        largest = max(window.size for campaign in self.campaigns.values() for window in campaign.windows)
        needed = (
            min(ends) - window_named(self.campaigns[entity.campaign_id], name).size
            for (entity, name), ends in state.pending.items()
        )
        by_sources = min(progress.forgotten for progress in state.progress.values()) - largest
        before = min(by_sources, min(needed, default=by_sources))
        before -= before % LEVELS[-1]
        if before <= state.forgotten:
            return
        state.forgotten = before
        for key in [key for key in state.slices if key[1] <= before]:
            del state.slices[key]
        for (entity, name), ends in list(state.open_emitted.items()):
            size = window_named(self.campaigns[entity.campaign_id], name).size
            ends -= {end for end in ends if end - size < state.forgotten}
            if not ends:
                del state.open_emitted[entity, name]
        asked = {entity for entity, _ in (*state.pending, *state.open_emitted, *state.ahead_of_clock)}
        for entity, timeline in list(state.timelines.items()):
            if timeline.forget(before) and entity not in asked:
                del state.timelines[entity]
