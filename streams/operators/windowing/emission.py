"""The emission policy: which windows are emitted, and when.

What is emitted, so that the number of rows is bounded by active entities and not by events:
* a window that a slice has changed, up to the newest one that has begun: once a flush, however often it changed;
* each window that still holds something when the watermark passes its end, and the first empty one after it,
  so that a chart falls when nothing happens;
* a closed window again when a late slice or a re-attributed referral changes it.

A window that was emitted while it was open is emitted again once it is closed, also when nothing is left in it by then
(its slices went to an influencer whose share came late).
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.campaign import Campaign, Window
from schemas.results import Result
from schemas.slices import Entity
from streams.operators.windowing.rates import window_result
from streams.operators.windowing.sliding import align_up, ends_touched, newest_end
from streams.operators.windowing.state import Conversion
from streams.operators.windowing.timeline import Timeline


def mark_pending(state: Conversion, campaign: Campaign, entity: Entity, slice_end: int) -> None:
    """Every window that holds a slice is to be emitted, and the first one after them."""
    for window in campaign.windows:
        state.pending.setdefault((entity, window.name), set()).update(ends_touched(slice_end, window))


def remember_open(state: Conversion, campaigns: Mapping[str, Campaign]) -> None:
    """Note the windows that an earlier worker may have emitted and not closed; some may hold nothing any more.

    The next one to begin is among them: it was waiting, and may have been emitted after the mark.
    """
    for entity, slice_end, _source_partition in state.slices:
        campaign = None if entity in state.copies else campaigns.get(entity.campaign_id)
        for window in campaign.windows if campaign is not None else ():
            touched = ends_touched(slice_end, window)
            first = align_up(state.closed.get(entity.campaign_id, 0) + 1, window.slide)
            stop, newest = touched.stop, newest_end(state.clock, window)
            if entity.campaign_id not in state.closed:
                state.ahead_of_clock[entity, window.name] = 0  # whoever was ahead waited for a watermark
            elif touched.start > newest:
                state.ahead_of_clock[entity, window.name] = newest
            else:
                stop = min(stop, newest + window.slide + 1)
            if ends := range(max(touched.start, first), stop, window.slide):
                state.open_emitted.setdefault((entity, window.name), set()).update(ends)


def close_windows(state: Conversion, campaign: Campaign, watermark: int) -> None:
    """Make every window of the campaign pending that the watermark, epoch seconds, has passed since the last time."""
    closed = state.closed.get(campaign.id)
    if closed is not None and watermark <= closed:
        return
    state.closed[campaign.id] = watermark
    for entity, timeline in state.timelines.items():
        if entity.campaign_id == campaign.id and entity not in state.copies:
            for window in campaign.windows:
                if ends := set(timeline.due(window, closed, watermark)):
                    state.pending.setdefault((entity, window.name), set()).update(ends)
    for (entity, name), ends in list(state.open_emitted.items()):
        if entity.campaign_id == campaign.id and (passed := {end for end in ends if end <= watermark}):
            state.pending.setdefault((entity, name), set()).update(passed)
            ends -= passed
            if not ends:
                del state.open_emitted[entity, name]


def begin_windows(state: Conversion, campaigns: Mapping[str, Campaign]) -> None:
    """Make pending what has begun of the windows whose slices were ahead of the clock.

    Slices of a backlog come long before the clock that covers them.  What the watermark has passed by then is closed
    already; so nothing is made pending before there is a watermark.
    """
    known = (state.clock, len(state.watermarks))
    if known == state.last_look:
        return  # nothing has begun since
    state.last_look = known
    for (entity, name), pending_up_to in list(state.ahead_of_clock.items()):
        campaign = campaigns[entity.campaign_id]
        window, watermark_ms = window_named(campaign, name), state.watermarks.get(campaign.id)
        newest = newest_end(state.clock, window)
        if watermark_ms is None or newest <= pending_up_to:
            continue
        del state.ahead_of_clock[entity, name]
        after = max(pending_up_to, watermark_ms // 1000)
        # The next one too: it waits for its beginning.
        timeline = state.timelines[entity]
        if ends := set(timeline.due(window, after, newest + window.slide)):
            state.pending.setdefault((entity, name), set()).update(ends)
        if _is_ahead(timeline, newest, window):
            state.ahead_of_clock[entity, name] = newest


def emit_windows(
    state: Conversion,
    campaign: Campaign,
    entity: Entity,
    name: str,
    ends: set[int],
    computed_at: str,
    results: list[Result],
) -> set[int]:
    """Append the results of one entity and window; returns the ends that are to wait.

    The clock travels behind the slices: a window that may begin with the next record waits for it.
    """
    window = window_named(campaign, name)
    newest = newest_end(state.clock, window)
    watermark_ms = state.watermarks.get(campaign.id)
    # What is landed of a window that begins in forgotten minutes is more than what is known of it now.
    begun = sorted(end for end in ends if end <= newest and end - window.size >= state.forgotten)
    open_ends = {end for end in begun if watermark_ms is None or end * 1000 > watermark_ms}
    if open_ends:
        state.open_emitted.setdefault((entity, name), set()).update(open_ends)
    timeline = state.timelines[entity]
    for end, total in timeline.totals(window, begun):
        results.append(
            window_result(
                entity,
                window,
                end,
                total,
                campaign.currency,
                watermark_ms=watermark_ms,
                version=state.version,
                computed_at=computed_at,
            )
        )
    if _is_ahead(timeline, newest, window):
        state.ahead_of_clock.setdefault((entity, name), newest)
    next_one = newest + window.slide
    return {next_one} if next_one in ends else set()


def _is_ahead(timeline: Timeline, newest: int, window: Window) -> bool:
    """Whether minutes of an entity are further ahead than the next record is likely to bring the clock.

    Args:
        newest: the end of the newest window that has begun.
    """
    return bool(timeline.ends) and timeline.ends[-1] > newest + window.slide


def window_named(campaign: Campaign, name: str) -> Window:
    return next(window for window in campaign.windows if window.name == name)
