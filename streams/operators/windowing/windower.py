"""Conversion over sliding windows: what the source partitions say, added up for each entity.

Law: the state of a partition of `slices` is a fold of that partition, and a result's version is its position
there, after the epoch of that log.  Slices are absolute and versioned, so the larger version of an (entity, minute,
source partition) counts.

What is emitted, so that rows are bounded by active entities and not by events:
* a window that a slice touched, up to the newest one that has begun: once a flush, however often touched;
* each window that still holds something when the watermark passes its end, and the first empty one after it,
  so that a chart falls when nothing happens;
* a closed window again when a late slice or a re-attributed referral touches it.

What was emitted as provisional is emitted again once it is closed, also when nothing is left in it by then (its
slices went to an influencer whose share came late).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from schemas.campaign import Campaign, Window
from schemas.results import Result, Watermark
from schemas.slices import CAMPAIGN, Entity, Progress, Slice, SliceRecord, home_of
from schemas.times import rfc3339
from streams.operators.counters import Counters
from streams.operators.windowing.rates import window_result
from streams.operators.windowing.sliding import align_up, ends_touched, newest_end
from streams.operators.windowing.timeline import LEVELS, Timeline

UNLIMITED: Final = 1_000_000_000
# A worker speaks every two seconds, also of a partition that is silent; five times unheard, nobody reads it.
FRESH_MS: Final = 10_000
# A version is the epoch of its log and a position in it: 10^12 positions, and minutes of 31 years.
POSITION_BITS: Final = 40

Touched = dict[tuple[Entity, str], set[int]]


@dataclass
class Conversion:
    """The state of one partition of `slices`.

    `said` holds what each source partition said last of each (entity, minute): (version, counters).
    `clock` (epoch milliseconds) is the newest record time that any source partition has seen, 0 before the first.  It
    and `watermarks` (epoch milliseconds, by campaign) never go back.  `touched` holds the window ends to emit by
    (entity, window name), `provisional` those that were emitted and are not final yet; `closed` the watermark, epoch
    seconds, up to which a campaign's windows were emitted as final.  Minutes up to `forgotten` are gone.  `epoch`
    tells a log from one of the same name before it and only grows; `heard` is the processing time, epoch milliseconds,
    at which each source partition spoke last.
    `ahead`: whose slices are minutes and more ahead of the clock, and up to which end its windows were looked at;
    `looked_at`: the clock and the number of watermarks at the last look.
    `copies` are campaigns at home in another partition: their minutes are for the stall detector of this one's
    influencers, and no windows are made of them.
    """

    partition: int
    position: int = 0
    epoch: int = 0
    said: dict[tuple[Entity, int, int], tuple[int, Counters]] = field(default_factory=dict)
    timelines: dict[Entity, Timeline] = field(default_factory=dict)
    copies: set[Entity] = field(default_factory=set)
    progress: dict[int, Progress] = field(default_factory=dict)
    heard: dict[int, int] = field(default_factory=dict)
    touched: Touched = field(default_factory=dict)
    provisional: Touched = field(default_factory=dict)
    clock: int = 0
    watermarks: dict[str, int] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    closed: dict[str, int] = field(default_factory=dict)
    forgotten: int = 0
    ahead: dict[tuple[Entity, str], int] = field(default_factory=dict)
    looked_at: tuple[int, int] = (0, 0)

    @property
    def version(self) -> int:
        """Of everything that is said now."""
        return self.epoch << POSITION_BITS | self.position


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
        """Fold one record of `slices`; what it changed in its minute, None where nothing.

        Args:
            now_ms: the wall clock, ahead of which nobody's clock counts in live use; None: all that is said is
                believed.
            emitted: what this record changes was emitted before a restart; it is only needed as state.
            catching_up: an earlier worker may have seen, and emitted, records before this one that compaction has
                taken: its windows are emitted even if nothing changes here.
        """
        if isinstance(record, Progress):
            self._apply_progress(state, record, now_ms)
        elif isinstance(record, Slice):
            return self._apply_slice(state, record, emitted, catching_up)
        return None

    def _apply_progress(self, state: Conversion, record: Progress, now_ms: int | None) -> None:
        known = state.progress.get(record.source_partition)
        if known is not None and record.version < known.version:
            return
        if record.live and now_ms is not None:
            clock, complete = min(record.clock, now_ms), min(record.complete, now_ms)
            record = msgspec.structs.replace(record, clock=clock, complete=complete)
        elif known is not None:
            # A worker that has just taken over may not know yet what its predecessor heard.
            record = msgspec.structs.replace(record, clock=max(record.clock, known.clock))
        state.progress[record.source_partition] = record
        state.heard[record.source_partition] = now_ms or 0
        state.clock = max(state.clock, record.clock)
        state.moved.add(record.source_partition)
        if len(state.progress) == self.source_partitions:
            for campaign in self.campaigns.values():
                state.watermarks[campaign.id] = max(
                    self._watermark_now(state, campaign), state.watermarks.get(campaign.id, 0)
                )

    def _watermark_now(self, state: Conversion, campaign: Campaign) -> int:
        """The slowest source partition counts."""
        slowest = min(self._reached(state, progress) for progress in state.progress.values())
        return slowest - campaign.allowed_lateness * 1000

    def _reached(self, state: Conversion, progress: Progress) -> int:
        """How far a source partition has come.

        Where history is played, one that has read its logs to the end stands where the newest does, as long as its
        worker speaks.  In live use it ticks with the clock itself, and where its worker is gone it stands.
        """
        is_fresh = max(state.heard.values()) - state.heard[progress.source_partition] <= FRESH_MS
        return state.clock if progress.idle and is_fresh and not progress.live else progress.clock

    def _apply_slice(self, state: Conversion, record: Slice, emitted: bool, catching_up: bool) -> Counters | None:
        if record.end <= state.forgotten:
            return None
        entity = Entity(record.campaign_id, record.dimension, record.member)
        key = (entity, record.end, record.source_partition)
        before = state.said.get(key)
        if before is not None and before[0] > record.version:
            return None
        counters = Counters(record.counts, record.money)
        timeline = state.timelines.get(entity)
        if timeline is None:
            timeline = state.timelines[entity] = Timeline()
            if entity.dimension == CAMPAIGN and home_of(entity, self.partitions) != state.partition:
                state.copies.add(entity)
        change = counters.copy()
        if before is not None:
            change.add(before[1], sign=-1)
        state.said[key] = (record.version, counters)
        if not change.is_zero():
            timeline.add(record.end, change)
        elif not catching_up:
            return None
        if (
            entity not in state.copies
            and not emitted
            and (campaign := self.campaigns.get(entity.campaign_id)) is not None
        ):
            _touch(state, campaign, entity, record.end)
        return change

    def resume(self, state: Conversion, clock: int, watermarks: Mapping[str, int], now_ms: int | None = None) -> None:
        """Go on where an earlier worker had come: by this clock and these watermarks everything was emitted.

        They cannot be read off the topic: compaction takes most of what they were made of, and what is left of
        different times would give others.

        Args:
            now_ms: the wall clock in live use: what an earlier worker took to be later than now does not count.
        """
        state.clock = max(state.clock, clock if now_ms is None else min(clock, now_ms))
        for campaign_id, watermark_ms in watermarks.items():
            if campaign_id in self.campaigns:
                if now_ms is not None:
                    watermark_ms = min(watermark_ms, now_ms - self.campaigns[campaign_id].allowed_lateness * 1000)
                state.closed[campaign_id] = watermark_ms // 1000
                state.watermarks[campaign_id] = max(watermark_ms, state.watermarks.get(campaign_id, 0))
        state.moved.clear()
        self._remember_provisional(state)

    def _remember_provisional(self, state: Conversion) -> None:
        """Windows that the earlier worker may have emitted and not closed; some may hold nothing any more.

        The next one to begin is among them: it was waiting, and may have been emitted after the mark.
        """
        for entity, slice_end, _source_partition in state.said:
            campaign = None if entity in state.copies else self.campaigns.get(entity.campaign_id)
            for window in campaign.windows if campaign is not None else ():
                touched = ends_touched(slice_end, window)
                first = align_up(state.closed.get(entity.campaign_id, 0) + 1, window.slide)
                stop, newest = touched.stop, newest_end(state.clock, window)
                if entity.campaign_id not in state.closed:
                    state.ahead[entity, window.name] = 0  # whoever was ahead waited for a watermark
                elif touched.start > newest:
                    state.ahead[entity, window.name] = newest
                else:
                    stop = min(stop, newest + window.slide + 1)
                if ends := range(max(touched.start, first), stop, window.slide):
                    state.provisional.setdefault((entity, window.name), set()).update(ends)

    def flush(self, state: Conversion, now_ms: int, limit: int = UNLIMITED) -> tuple[list[Result], bool]:
        """What there is to say now, about `limit` results at most, and whether that is all.

        Watermarks come last, when every result before them is out: they vouch for it.

        Args:
            now_ms: processing time, only a column of the rows.
        """
        computed_at = rfc3339(now_ms)
        for campaign_id, watermark_ms in state.watermarks.items():
            self._close(state, self.campaigns[campaign_id], watermark_ms // 1000)
        self._touch_begun(state)
        results: list[Result] = []
        waiting: Touched = {}
        while state.touched and len(results) < limit:
            (entity, name), ends = state.touched.popitem()
            later = self._emit(state, entity, name, ends, computed_at, results)
            if later:
                waiting[entity, name] = later
        said_all = not state.touched
        if said_all:
            results += [_watermark(state, state.progress[partition], computed_at) for partition in sorted(state.moved)]
            state.moved.clear()
        state.touched.update(waiting)
        return results, said_all

    def _close(self, state: Conversion, campaign: Campaign, watermark: int) -> None:
        """Touch every window of the campaign that the watermark has passed since the last time."""
        closed = state.closed.get(campaign.id)
        if closed is not None and watermark <= closed:
            return
        state.closed[campaign.id] = watermark
        for entity, timeline in state.timelines.items():
            if entity.campaign_id == campaign.id and entity not in state.copies:
                for window in campaign.windows:
                    if ends := set(timeline.due(window, closed, watermark)):
                        state.touched.setdefault((entity, window.name), set()).update(ends)
        for (entity, name), ends in list(state.provisional.items()):
            if entity.campaign_id == campaign.id and (passed := {end for end in ends if end <= watermark}):
                state.touched.setdefault((entity, name), set()).update(passed)
                ends -= passed
                if not ends:
                    del state.provisional[entity, name]

    def _touch_begun(self, state: Conversion) -> None:
        """Touch what has begun of the windows that slices were ahead of the clock with.

        Slices of a backlog come long before the clock that says when they were.  What the watermark has passed by then
        is closed already; so nothing is touched before there is one.
        """
        known = (state.clock, len(state.watermarks))
        if known == state.looked_at:
            return  # nothing has begun since
        state.looked_at = known
        for (entity, name), said_up_to in list(state.ahead.items()):
            campaign = self.campaigns[entity.campaign_id]
            window, watermark_ms = _window_named(campaign, name), state.watermarks.get(campaign.id)
            newest = newest_end(state.clock, window)
            if watermark_ms is None or newest <= said_up_to:
                continue
            del state.ahead[entity, name]
            after = max(said_up_to, watermark_ms // 1000)
            # The next one too: it waits for its beginning.
            timeline = state.timelines[entity]
            if ends := set(timeline.due(window, after, newest + window.slide)):
                state.touched.setdefault((entity, name), set()).update(ends)
            if _is_ahead(timeline, newest, window):
                state.ahead[entity, name] = newest

    def _emit(
        self, state: Conversion, entity: Entity, name: str, ends: set[int], computed_at: str, results: list[Result]
    ) -> set[int]:
        """Append the results of one entity and window; the ends that are to wait.

        The clock travels behind the slices: a window that may begin with the next record waits for it.
        """
        campaign = self.campaigns[entity.campaign_id]
        window = _window_named(campaign, name)
        newest = newest_end(state.clock, window)
        watermark_ms = state.watermarks.get(campaign.id)
        # What is landed of a window that begins in forgotten minutes is more than what is known of it now.
        begun = sorted(end for end in ends if end <= newest and end - window.size >= state.forgotten)
        open_ends = {end for end in begun if watermark_ms is None or end * 1000 > watermark_ms}
        if open_ends:
            state.provisional.setdefault((entity, name), set()).update(open_ends)
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
            state.ahead.setdefault((entity, name), newest)
        next_one = newest + window.slide
        return {next_one} if next_one in ends else set()

    def forget(self, state: Conversion) -> None:
        """Drop the minutes of which no source partition says anything any more, and that no window needs.

        What is still to be emitted is needed: a minute may have been said right before it was forgotten.
        """
        if len(state.progress) < self.source_partitions:
            return
        largest = max(window.size for campaign in self.campaigns.values() for window in campaign.windows)
        needed = (
            min(ends) - _window_named(self.campaigns[entity.campaign_id], name).size
            for (entity, name), ends in state.touched.items()
        )
        said = min(progress.forgotten for progress in state.progress.values()) - largest
        before = min(said, min(needed, default=said))
        before -= before % LEVELS[-1]
        if before <= state.forgotten:
            return
        state.forgotten = before
        for key in [key for key in state.said if key[1] <= before]:
            del state.said[key]
        for (entity, name), ends in list(state.provisional.items()):
            size = _window_named(self.campaigns[entity.campaign_id], name).size
            ends -= {end for end in ends if end - size < state.forgotten}
            if not ends:
                del state.provisional[entity, name]
        asked = {entity for entity, _ in (*state.touched, *state.provisional, *state.ahead)}
        for entity, timeline in list(state.timelines.items()):
            if timeline.forget(before) and entity not in asked:
                del state.timelines[entity]


def _is_ahead(timeline: Timeline, newest: int, window: Window) -> bool:
    """Whether minutes of an entity are further ahead than the next record is likely to bring the clock.

    Args:
        newest: the end of the newest window that has begun.
    """
    return bool(timeline.ends) and timeline.ends[-1] > newest + window.slide


def _window_named(campaign: Campaign, name: str) -> Window:
    return next(window for window in campaign.windows if window.name == name)


def _touch(state: Conversion, campaign: Campaign, entity: Entity, end: int) -> None:
    for window in campaign.windows:
        state.touched.setdefault((entity, window.name), set()).update(ends_touched(end, window))


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
