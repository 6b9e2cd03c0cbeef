"""The scheduler of the stall detectors of one partition of `slices`: which detector steps which minute next.

Every campaign has a copy of its detector in every partition, because its slices go to all of them; an influencer has
one detector, in its home partition.  In each minute the campaign is stepped first, then its influencers, whose step
depends on the campaign's state.

    closed minutes   |  m1  |  m2  |  m3  |
    campaign            1      4      7             each once, in this order
    ann                 2      5      8
    bob                 3      6      9

Law: a minute is stepped once, empty or not.  A late donation counts in the first minute that is not closed by then.
Both follow from the log alone, and not from the moment at which a worker reads it.  A gap is left out for good, with
everything that comes for it, or for an earlier minute, afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas.campaign import SLICE_SECONDS, Campaign
from schemas.slices import CAMPAIGN, COUNTS, INFLUENCER, Acceptance, Entity, Slice, SliceRecord
from schemas.stalls import Stall
from schemas.times import DAY_MS, MINUTE_MS
from streams.operators.counters import DONATIONS, Counters
from streams.operators.stalls.completeness import (
    Completeness,
    Interval,
    close,
    complete_up_to,
    feeds_of,
    topics_of_feeds,
)
from streams.operators.stalls.records import StallWriter, Watched, roster_of, watched_of, with_roster
from streams.operators.stalls.state_machine import Minute, Watch, accept, step
from streams.operators.windowing.state import Conversion

DAY: Final = DAY_MS // 1000
OVER: Final = -1


Arrived = dict[tuple[str, str], tuple[int, int]]  # by (dimension, member)


@dataclass
class CampaignDetectors:
    """The detectors of one campaign and of its influencers in this partition.

    `arrivals`: exposures and donations by minute (its end, epoch seconds) and entity, of minutes that are not stepped
    yet; `arrived` those of the minute that is being stepped, `waiting` the influencers not stepped in it yet.
    `history`: changes of state that were not published yet.  `over`: the campaign ended so long ago that no minute is
    stepped any more.
    """

    completeness: Completeness = field(default_factory=Completeness)
    own: Watched | None = None
    influencers: dict[str, Watched] = field(default_factory=dict)
    arrivals: dict[int, Arrived] = field(default_factory=dict)
    arrived: Arrived = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    history: list[Stall] = field(default_factory=list)
    moved: bool = False
    over: bool = False


@dataclass
class Detectors:
    """The state of one partition."""

    appeals: dict[str, CampaignDetectors] = field(default_factory=dict)
    acceptances: dict[Entity, set[int]] = field(default_factory=dict)

    def roster(self) -> dict[str, int]:
        """The campaigns with a published record, and the number of their influencers; OVER where no minute matters.

        It goes with every record of a campaign, so that a successor knows what to look for.
        """
        return {
            name: OVER if appeal.over else len(appeal.influencers)
            for name, appeal in self.appeals.items()
            if appeal.over or (appeal.own is not None and appeal.own.published)
        }


class DetectorScheduler:
    """The steps, with the settings they depend on.

    Args:
        source_partitions: how many partitions each source topic has.
        horizon: seconds; further from its campaign no minute matters.
    """

    def __init__(self, campaigns: Mapping[str, Campaign], source_partitions: int, horizon: int) -> None:
        self.campaigns = dict(campaigns)
        self.source_partitions = source_partitions
        self.horizon = horizon
        self._exposures = {name: COUNTS.index(campaign.stall.exposure) for name, campaign in campaigns.items()}
        self._topics = {name: topics_of_feeds(campaign.stall.exposure) for name, campaign in campaigns.items()}

    def begin(self) -> Detectors:
        return Detectors({name: CampaignDetectors() for name in self.campaigns})

    # ---- what comes in -----------------------------------------------------------------------------------

    def note(self, detectors: Detectors, conversion: Conversion, record: SliceRecord, change: Counters | None) -> None:
        """Take note of a record of `slices` that `conversion` has just folded, and of what it changed."""
        if isinstance(record, Slice):
            if change is not None:
                self._note_change(detectors, record, change)
        elif isinstance(record, Acceptance):
            entity = Entity(record.campaign_id, record.dimension, record.member)
            detectors.acceptances.setdefault(entity, set()).add(record.at)
        else:
            self._close(detectors, conversion)

    def _note_change(self, detectors: Detectors, record: Slice, change: Counters) -> None:
        appeal = detectors.appeals.get(record.campaign_id)
        if appeal is None or appeal.over or record.dimension not in (CAMPAIGN, INFLUENCER):
            return
        exposures, donations = change.counts[self._exposures[record.campaign_id]], change.counts[DONATIONS]
        if not (exposures or donations) or record.member.startswith("(") or record.end <= appeal.completeness.gap:
            return
        minute = max(record.end, appeal.completeness.until + SLICE_SECONDS)
        if appeal.own is None or minute > appeal.own.minute:
            arrived = appeal.arrivals.setdefault(minute, {})
            key = (record.dimension, record.member)
            before = arrived.get(key, (0, 0))
            arrived[key] = (before[0] + exposures, before[1] + donations)

    def _close(self, detectors: Detectors, conversion: Conversion) -> None:
        complete_ms = complete_up_to(conversion.progress, self.source_partitions)
        if not complete_ms:
            return
        for name, appeal in detectors.appeals.items():
            campaign = self.campaigns[name]
            heard = feeds_of(conversion.progress.values(), name, self._topics[name])
            feeds = {feed: published for feed, published in heard.items() if feed not in campaign.stall.retired_feeds}
            on_time_ms = complete_ms - campaign.allowed_lateness * 1000
            patience_ms = campaign.stall.feed_patience * MINUTE_MS
            close(appeal.completeness, self._topics[name], on_time_ms, feeds, patience_ms)

    # ---- after a restart ---------------------------------------------------------------------------------

    def resume(self, detectors: Detectors, saved: Iterable[Stall]) -> None:
        """Go on from published records: of each entity the newest minute counts; a state that is further on stays."""
        newest: dict[Entity, Stall] = {}
        for stall in saved:
            for name in [
                name for name, number in roster_of(stall).items() if number == OVER and name in detectors.appeals
            ]:
                detectors.appeals[name].over = True
            entity = Entity(stall.campaign_id, stall.dimension, stall.member)
            if entity not in newest or (newest[entity].minute, newest[entity].version) < (stall.minute, stall.version):
                newest[entity] = stall
        for entity, stall in sorted(newest.items()):  # a campaign comes before its influencers
            appeal = detectors.appeals.get(entity.campaign_id)
            if appeal is None or appeal.over:
                continue
            known = appeal.own if entity.dimension == CAMPAIGN else appeal.influencers.get(entity.member)
            watched = watched_of(stall)
            if known is not None and known.minute >= watched.minute:
                continue
            appeal.waiting.clear()
            if entity.dimension == CAMPAIGN:
                appeal.own = watched
            else:
                appeal.influencers[entity.member] = watched
        for appeal in detectors.appeals.values():
            self._after_resume(appeal)

    def _after_resume(self, appeal: CampaignDetectors) -> None:
        if appeal.own is None:
            appeal.influencers.clear()
            return
        now = appeal.own.minute
        for watched in appeal.influencers.values():
            # Where its own record is lost, the minutes it has missed are a gap.
            watched.minute = max(watched.minute, now)
        for minute in [minute for minute in appeal.arrivals if minute <= now]:
            del appeal.arrivals[minute]

    # ---- stepping ----------------------------------------------------------------------------------------

    def step(
        self, detectors: Detectors, conversion: Conversion, limit: int, incarnation: str, computed_at: str
    ) -> bool:
        """Step closed minutes, about `limit` entities at most; whether all are stepped.

        Args:
            computed_at: processing time, only a column of the rows.
        """
        left, version = limit, conversion.version
        for name in self.campaigns:
            appeal = detectors.appeals[name]
            writer = StallWriter(self.campaigns[name], incarnation, version, computed_at)
            while (interval := self._next(appeal, name, conversion)) is not None:
                if left <= 0:
                    return False
                left -= self._step_some(detectors, appeal, interval, writer, left)
        return True

    def _next(self, appeal: CampaignDetectors, name: str, conversion: Conversion) -> Interval | None:
        """The interval that holds the next minute; None where none is closed."""
        own = appeal.own
        if appeal.over:
            return None
        if own is None:
            begin = self._begin_of(appeal, name, conversion)
            if begin is None:
                return None
            own = appeal.own = Watched(Watch(), begin)
        if appeal.waiting:
            return appeal.completeness.interval_of(own.minute)
        if own.minute >= _second(self.campaigns[name].end.timestamp()) + self.horizon:
            appeal.over = bool(own.published)
            appeal.completeness.intervals.clear()
            return None
        return appeal.completeness.interval_of(own.minute + SLICE_SECONDS)

    def _begin_of(self, appeal: CampaignDetectors, name: str, conversion: Conversion) -> int | None:
        """The end of the minute before the first one that matters: a day before the start, or the first with data."""
        if not appeal.completeness.until:
            return None
        start = _second(self.campaigns[name].start.timestamp())
        timeline = conversion.timelines.get(Entity(name, CAMPAIGN, name))
        first = timeline.ends[0] - SLICE_SECONDS if timeline is not None and timeline.ends else start
        begin = max(min(start - DAY, first), start - self.horizon, appeal.completeness.first - self.horizon)
        return begin if begin < appeal.completeness.until else None

    def _step_some(
        self, detectors: Detectors, appeal: CampaignDetectors, interval: Interval, writer: StallWriter, limit: int
    ) -> int:
        """One minute of the campaign and as many of its influencers as the limit allows; how many were stepped."""
        own = appeal.own
        assert own is not None
        stepped = 0
        name = writer.campaign.id
        if not appeal.waiting:
            end = own.minute + SLICE_SECONDS
            appeal.arrived = appeal.arrivals.pop(end, {})
            entity = Entity(name, CAMPAIGN, name)
            self._step_one(detectors, appeal, entity, own, end, interval, writer)
            appeal.moved = True
            self._begin_to_watch(appeal, end)
            appeal.waiting = list(appeal.influencers)
            stepped = 1
        while appeal.waiting and stepped < limit:
            member = appeal.waiting.pop()
            watched = appeal.influencers[member]
            stepped += 1
            if watched.minute < own.minute:
                entity = Entity(name, INFLUENCER, member)
                self._step_one(detectors, appeal, entity, watched, own.minute, interval, writer)
        return stepped

    def _begin_to_watch(self, appeal: CampaignDetectors, end: int) -> None:
        """The influencers with their first donation in this minute."""
        for (dimension, member), (_, donations) in appeal.arrived.items():
            if dimension == INFLUENCER and donations > 0 and member not in appeal.influencers:
                appeal.influencers[member] = Watched(Watch(), end - SLICE_SECONDS)

    def _step_one(
        self,
        detectors: Detectors,
        appeal: CampaignDetectors,
        entity: Entity,
        watched: Watched,
        end: int,
        interval: Interval,
        writer: StallWriter,
    ) -> None:
        exposures, donations = appeal.arrived.get(entity[1:], (0, 0))
        watched.minute = end
        self._follow(detectors, entity, watched, end, writer.campaign)
        above = appeal.own.watch if appeal.own is not None and watched is not appeal.own else None
        changed = step(
            watched.watch,
            writer.campaign,
            Minute(end, max(exposures, 0), max(donations, 0)),
            silent=interval.silent,
            unheard=interval.unheard,
            above=above,
        )
        if changed:
            watched.published = end
            appeal.history.append(writer.stall(entity, watched, changed=True, above=above))

    def _follow(self, detectors: Detectors, entity: Entity, watched: Watched, end: int, campaign: Campaign) -> None:
        """Apply the acceptances of operators from before this minute, each once."""
        words = [at for at in detectors.acceptances.get(entity, ()) if watched.accepted < at < end]
        if words:
            watched.accepted = max(words)
            accept(watched.watch, campaign)

    # ---- what goes out -----------------------------------------------------------------------------------

    def take_records(self, detectors: Detectors, version: int, incarnation: str, computed_at: str) -> Iterator[Stall]:
        """The records of every entity that was stepped since the last time, in the order in which to publish them.

        The record of a campaign comes after those of its influencers, so that a successor that resumes from it finds
        theirs, of this minute or a later one, before it.  A campaign whose minute is not stepped to its end waits.
        Nothing may be stepped before the iterator is exhausted.
        """
        for name, appeal in detectors.appeals.items():
            if appeal.moved and not appeal.waiting:
                yield from self._unit(
                    detectors, appeal, StallWriter(self.campaigns[name], incarnation, version, computed_at)
                )
                appeal.moved = False

    def _unit(self, detectors: Detectors, appeal: CampaignDetectors, writer: StallWriter) -> Iterator[Stall]:
        own, name = appeal.own, writer.campaign.id
        assert own is not None
        history, appeal.history = appeal.history, []
        yield from (stall for stall in history if stall.dimension == INFLUENCER)
        for member, watched in appeal.influencers.items():
            if watched.published < watched.minute:
                watched.published = watched.minute
                yield writer.stall(Entity(name, INFLUENCER, member), watched, changed=False, above=own.watch)
        history = [stall for stall in history if stall.dimension == CAMPAIGN]
        if own.published < own.minute:
            own.published = own.minute
            history.append(writer.stall(Entity(name, CAMPAIGN, name), own, changed=False, above=None))
        yield from (with_roster(stall, detectors.roster()) for stall in history)


def _second(timestamp: float) -> int:
    """The end of the minute that holds this moment or ends with it, epoch seconds."""
    return -int(-timestamp // SLICE_SECONDS) * SLICE_SECONDS
