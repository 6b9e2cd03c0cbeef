"""Merging slices: the newest version of each (entity, minute, source partition) counts.

Slices are absolute and versioned, so merging is idempotent: a slice that comes twice, or behind a newer one, changes
nothing.  A source partition that was read again says the same minutes under the same or larger versions.
"""

from __future__ import annotations

from schemas.slices import CAMPAIGN, Entity, Slice, home_of
from streams.operators.counters import Counters
from streams.operators.windowing.state import Conversion
from streams.operators.windowing.timeline import Timeline


def merge_slice(state: Conversion, entity: Entity, record: Slice, partitions: int) -> Counters | None:
    """Replace what the source partition had said of the minute.

    Args:
        partitions: how many `slices` has.

    Returns:
        The difference, which may be zero; None where the slice is older than what is known, or its minute is forgotten.
    """
    if record.end <= state.forgotten:
        return None
    key = (entity, record.end, record.source_partition)
    before = state.slices.get(key)
    if before is not None and before[0] > record.version:
        return None
    counters = Counters(record.counts, record.money)
    timeline = state.timelines.get(entity)
    if timeline is None:
        timeline = state.timelines[entity] = Timeline()
        if entity.dimension == CAMPAIGN and home_of(entity, partitions) != state.partition:
            state.copies.add(entity)
    change = counters.copy()
    if before is not None:
        change.add(before[1], sign=-1)
    state.slices[key] = (record.version, counters)
    if not change.is_zero():
        timeline.add(record.end, change)
    return change
