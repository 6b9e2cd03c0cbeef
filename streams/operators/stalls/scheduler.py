"""The stall detectors of one partition of `slices`: which minute comes next, for whom, and what is kept of it.

Every campaign has a copy of its watch in every partition, because its slices come to all of them; the influencers
have theirs in the partition that is their home.  Minute by minute: the campaign first, then its influencers, who ask
how it stands.

    closed minutes   |  m1  |  m2  |  m3  |
    campaign            1      4      7             each once, in this order
    ann                 2      5      8
    bob                 3      6      9

Law: a minute is stepped once, empty or not.  What comes for it after it was closed counts in the first minute that is
not closed by then, because a donation that came late is one that came.  Both are said by the log, and not by the moment
at which somebody looked.  A hole is left out for good, with everything that comes for it, or for an earlier minute,
afterwards.
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
from streams.operators.stalls.completeness import Closing, Stretch, close, complete_up_to, feeds_of, topics_of_feeds
from streams.operators.stalls.records import Voice, Watched, roll_of, watched_of, with_roll
from streams.operators.stalls.state_machine import Minute, Watch, accept, step
from streams.operators.windowing.state import Conversion

DAY: Final = DAY_MS // 1000
OVER: Final = -1


Arrived = dict[tuple[str, str], tuple[int, int]]  # by (dimension, member)


@dataclass
class Appeal:
    """The watch over one campaign and its influencers in this partition.

    `arrivals`: exposures and donations by minute (its end, epoch seconds) and entity, of minutes that are not stepped
    yet; `arrived` those of the minute that is being stepped, `waiting` whom it has not reached yet.  `history`: changes
    that were not said yet.  `over`: it is so long past that nothing is stepped any more.
    """

    closing: Closing = field(default_factory=Closing)
    own: Watched | None = None
    influencers: dict[str, Watched] = field(default_factory=dict)
    arrivals: dict[int, Arrived] = field(default_factory=dict)
    arrived: Arrived = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    history: list[Stall] = field(default_factory=list)
    moved: bool = False
    over: bool = False


@dataclass
class Rounds:
    """The state of one partition."""

    appeals: dict[str, Appeal] = field(default_factory=dict)
    acceptances: dict[Entity, set[int]] = field(default_factory=dict)

    def roll(self) -> dict[str, int]:
        """The campaigns that were spoken of, with the number of their influencers; OVER where no minute matters.

        It goes with every record of a campaign, so that a successor knows what to look for.
        """
        return {
            name: OVER if appeal.over else len(appeal.influencers)
            for name, appeal in self.appeals.items()
            if appeal.over or (appeal.own is not None and appeal.own.said)
        }


class Watcher:
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

    def begin(self) -> Rounds:
        return Rounds({name: Appeal() for name in self.campaigns})

    # ---- what comes in -----------------------------------------------------------------------------------

    def note(self, rounds: Rounds, conversion: Conversion, record: SliceRecord, change: Counters | None) -> None:
        """Take note of a record of `slices` that `conversion` has just folded, and of what it changed."""
        if isinstance(record, Slice):
            if change is not None:
                self._note_change(rounds, record, change)
        elif isinstance(record, Acceptance):
            entity = Entity(record.campaign_id, record.dimension, record.member)
            rounds.acceptances.setdefault(entity, set()).add(record.at)
        else:
            self._close(rounds, conversion)

    def _note_change(self, rounds: Rounds, record: Slice, change: Counters) -> None:
        appeal = rounds.appeals.get(record.campaign_id)
        if appeal is None or appeal.over or record.dimension not in (CAMPAIGN, INFLUENCER):
            return
        exposures, donations = change.counts[self._exposures[record.campaign_id]], change.counts[DONATIONS]
        if not (exposures or donations) or record.member.startswith("(") or record.end <= appeal.closing.hole:
            return
        minute = max(record.end, appeal.closing.until + SLICE_SECONDS)
        if appeal.own is None or minute > appeal.own.minute:
            arrived = appeal.arrivals.setdefault(minute, {})
            key = (record.dimension, record.member)
            before = arrived.get(key, (0, 0))
            arrived[key] = (before[0] + exposures, before[1] + donations)

    def _close(self, rounds: Rounds, conversion: Conversion) -> None:
        complete_ms = complete_up_to(conversion.progress, self.source_partitions)
        if not complete_ms:
            return
        for name, appeal in rounds.appeals.items():
            campaign = self.campaigns[name]
            heard = feeds_of(conversion.progress.values(), name, self._topics[name])
            feeds = {feed: said for feed, said in heard.items() if feed not in campaign.stall.retired_feeds}
            on_time_ms = complete_ms - campaign.allowed_lateness * 1000
            patience_ms = campaign.stall.feed_patience * MINUTE_MS
            close(appeal.closing, self._topics[name], on_time_ms, feeds, patience_ms)

    # ---- after a restart ---------------------------------------------------------------------------------

    def resume(self, rounds: Rounds, saved: Iterable[Stall]) -> None:
        """Go on from what was said: of each entity the newest minute counts; what is known further on stays."""
        newest: dict[Entity, Stall] = {}
        for stall in saved:
            for name in [name for name, number in roll_of(stall).items() if number == OVER and name in rounds.appeals]:
                rounds.appeals[name].over = True
            entity = Entity(stall.campaign_id, stall.dimension, stall.member)
            if entity not in newest or (newest[entity].minute, newest[entity].version) < (stall.minute, stall.version):
                newest[entity] = stall
        for entity, stall in sorted(newest.items()):  # a campaign comes before its influencers
            appeal = rounds.appeals.get(entity.campaign_id)
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
        for appeal in rounds.appeals.values():
            self._after_resume(appeal)

    def _after_resume(self, appeal: Appeal) -> None:
        if appeal.own is None:
            appeal.influencers.clear()
            return
        now = appeal.own.minute
        for watched in appeal.influencers.values():
            # Where its own record is lost, what it has missed is a hole.
            watched.minute = max(watched.minute, now)
        for minute in [minute for minute in appeal.arrivals if minute <= now]:
            del appeal.arrivals[minute]

    # ---- stepping ----------------------------------------------------------------------------------------

    def step(self, rounds: Rounds, conversion: Conversion, limit: int, incarnation: str, computed_at: str) -> bool:
        """Step closed minutes, about `limit` entities at most; whether all are stepped.

        Args:
            computed_at: processing time, only a column of the rows.
        """
        left, version = limit, conversion.version
        for name in self.campaigns:
            appeal = rounds.appeals[name]
            voice = Voice(self.campaigns[name], incarnation, version, computed_at)
            while (stretch := self._next(appeal, name, conversion)) is not None:
                if left <= 0:
                    return False
                left -= self._step_some(rounds, appeal, stretch, voice, left)
        return True

    def _next(self, appeal: Appeal, name: str, conversion: Conversion) -> Stretch | None:
        """The stretch that the next minute lies in; None where none is closed."""
        own = appeal.own
        if appeal.over:
            return None
        if own is None:
            begin = self._begin_of(appeal, name, conversion)
            if begin is None:
                return None
            own = appeal.own = Watched(Watch(), begin)
        if appeal.waiting:
            return appeal.closing.stretch_of(own.minute)
        if own.minute >= _second(self.campaigns[name].end.timestamp()) + self.horizon:
            appeal.over = bool(own.said)
            appeal.closing.stretches.clear()
            return None
        return appeal.closing.stretch_of(own.minute + SLICE_SECONDS)

    def _begin_of(self, appeal: Appeal, name: str, conversion: Conversion) -> int | None:
        """The end of the minute before the first one that matters: a day before the start, or the first with data."""
        if not appeal.closing.until:
            return None
        start = _second(self.campaigns[name].start.timestamp())
        timeline = conversion.timelines.get(Entity(name, CAMPAIGN, name))
        first = timeline.ends[0] - SLICE_SECONDS if timeline is not None and timeline.ends else start
        begin = max(min(start - DAY, first), start - self.horizon, appeal.closing.first - self.horizon)
        return begin if begin < appeal.closing.until else None

    def _step_some(self, rounds: Rounds, appeal: Appeal, stretch: Stretch, voice: Voice, limit: int) -> int:
        """One minute of the campaign and as many of its influencers as the limit allows; how many were stepped."""
        own = appeal.own
        assert own is not None
        stepped = 0
        name = voice.campaign.id
        if not appeal.waiting:
            end = own.minute + SLICE_SECONDS
            appeal.arrived = appeal.arrivals.pop(end, {})
            entity = Entity(name, CAMPAIGN, name)
            self._step_one(rounds, appeal, entity, own, end, stretch, voice)
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
                self._step_one(rounds, appeal, entity, watched, own.minute, stretch, voice)
        return stepped

    def _begin_to_watch(self, appeal: Appeal, end: int) -> None:
        """The influencers with their first donation in this minute."""
        for (dimension, member), (_, donations) in appeal.arrived.items():
            if dimension == INFLUENCER and donations > 0 and member not in appeal.influencers:
                appeal.influencers[member] = Watched(Watch(), end - SLICE_SECONDS)

    def _step_one(
        self,
        rounds: Rounds,
        appeal: Appeal,
        entity: Entity,
        watched: Watched,
        end: int,
        stretch: Stretch,
        voice: Voice,
    ) -> None:
        exposures, donations = appeal.arrived.get(entity[1:], (0, 0))
        watched.minute = end
        self._follow(rounds, entity, watched, end, voice.campaign)
        above = appeal.own.watch if appeal.own is not None and watched is not appeal.own else None
        changed = step(
            watched.watch,
            voice.campaign,
            Minute(end, max(exposures, 0), max(donations, 0)),
            silent=stretch.silent,
            unheard=stretch.unheard,
            above=above,
        )
        if changed:
            watched.said = end
            appeal.history.append(voice.stall(entity, watched, changed=True, above=above))

    def _follow(self, rounds: Rounds, entity: Entity, watched: Watched, end: int, campaign: Campaign) -> None:
        """Follow the operators' words of before this minute, each once."""
        words = [at for at in rounds.acceptances.get(entity, ()) if watched.accepted < at < end]
        if words:
            watched.accepted = max(words)
            accept(watched.watch, campaign)

    # ---- what goes out -----------------------------------------------------------------------------------

    def say(self, rounds: Rounds, version: int, incarnation: str, computed_at: str) -> Iterator[Stall]:
        """Everything that moved since the last time, in the order in which it must be written.

        The campaign comes last: whoever goes on from its record finds those of its influencers, of this minute or a
        later one, before it.  A campaign in the middle of a minute waits.  Nothing may be stepped before the end.
        """
        for name, appeal in rounds.appeals.items():
            if appeal.moved and not appeal.waiting:
                yield from self._unit(rounds, appeal, Voice(self.campaigns[name], incarnation, version, computed_at))
                appeal.moved = False

    def _unit(self, rounds: Rounds, appeal: Appeal, voice: Voice) -> Iterator[Stall]:
        own, name = appeal.own, voice.campaign.id
        assert own is not None
        history, appeal.history = appeal.history, []
        yield from (stall for stall in history if stall.dimension == INFLUENCER)
        for member, watched in appeal.influencers.items():
            if watched.said < watched.minute:
                watched.said = watched.minute
                yield voice.stall(Entity(name, INFLUENCER, member), watched, changed=False, above=own.watch)
        history = [stall for stall in history if stall.dimension == CAMPAIGN]
        if own.said < own.minute:
            own.said = own.minute
            history.append(voice.stall(Entity(name, CAMPAIGN, name), own, changed=False, above=None))
        yield from (with_roll(stall, rounds.roll()) for stall in history)


def _second(timestamp: float) -> int:
    """The end of the minute that holds this moment or ends with it, epoch seconds."""
    return -int(-timestamp // SLICE_SECONDS) * SLICE_SECONDS
