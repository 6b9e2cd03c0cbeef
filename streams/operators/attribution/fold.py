"""The join: events of one source partition, folded into counters per entity and minute.

Law: the state is a fold of the log and does not depend on how the topics interleave.  Counters are sums, ids are
sets, and the join asks only "is there a share for this referral".  An event that comes before its share is
counted at once as unattributed; when the share arrives, all that the referral brought moves to its owner.

    records --validate--> columns --deduplicate--> new events --owner?--> owner ids --count--> rows of four entities

The unit of work is a batch of one topic, and what can be asked of a whole column is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from schemas.campaign import Campaign
from schemas.codec import Codec, Rejection
from schemas.codec.event_batch import EventBatch, Record
from schemas.codec.vectorized import Integers
from schemas.dead_letters import dead_letter
from schemas.events import Share
from schemas.heartbeats import CheckedHeartbeat, check
from schemas.reasons import Reason
from schemas.times import DAY_MS, MINUTE_MS
from schemas.topics import CLICKS, DONATIONS, HEARTBEATS, IMPRESSIONS, SHARES
from streams.operators import counters
from streams.operators.attribution.dedup import Identities, filter_new, identities_of, ids_of
from streams.operators.attribution.horizon import last_forgotten
from streams.operators.attribution.referrals import Owner, ReferralIndex
from streams.operators.attribution.state import Attribution
from streams.operators.counters import money_of

_BASES: Final = {"measured": counters.MEASURED, "sampled": counters.SAMPLED, "estimated": counters.ESTIMATED}

Refusals = list[tuple[int, Rejection]]  # by place in the batch


class AttributionOperator:
    """The step of attribution, with the settings it depends on.

    Args:
        processor: name and version, for dead letters.
    """

    def __init__(self, codec: Codec, processor: tuple[str, str]) -> None:
        self.codec = codec
        self.processor = processor
        self._lateness_ms = _lateness_ms(codec.campaigns)
        self._patience_ms = least_patience_ms(codec.campaigns)

    def step(self, state: Attribution, topic: str, records: Sequence[Record], end: int) -> None:
        """Fold a batch of one topic into the state.

        Args:
            topic: without a prefix, one of `ATTRIBUTION_INPUTS`.
            end: the next offset after the batch.
            records: in the order of the log; there may be none.
        """
        if topic == HEARTBEATS:
            self._fold_heartbeats(state, records)
        else:
            begin = state.positions.get(topic, records[0].offset if records else end)
            state.tallies[topic].passed_over += end - begin - len(records)
            if records:
                self._fold(state, topic, records)
        state.positions[topic] = end

    def _fold_heartbeats(self, state: Attribution, records: Sequence[Record]) -> None:
        """Heartbeats advance the clock of their topic and the feeds; a record that is no heartbeat is skipped."""
        clock = state.clocks.get(HEARTBEATS, 0)
        for record in records:
            heartbeat = _heard(record)
            if heartbeat is None:
                continue
            clock = max(clock, record.timestamp)
            if heartbeat.campaign_id is None or heartbeat.campaign_id in self.codec.campaigns:
                state.feeds.note(heartbeat, self._patience_ms)
        state.clocks[HEARTBEATS] = clock
        state.feeds.confirm(state.positions)

    def _fold(self, state: Attribution, topic: str, records: Sequence[Record]) -> None:
        judged = self.codec.validate_batch(topic, state.partition, records)
        accepted, refusals = judged.accepted, list(judged.rejections)
        gone = np.zeros(len(records), np.int64)
        if len(accepted):
            # A refused record does not move the clock: its time may be as wrong as the rest of it.
            state.clocks[topic] = max(state.clocks.get(topic, 0), int(accepted.record_ms.max()))
            if self.codec.forgets:
                before = state.horizons[topic].pass_by(accepted.record_ms)
                gone[accepted.places] = last_forgotten(before, self.codec.horizon_ms)
                accepted = self._refuse_too_old(state, accepted, gone, refusals)
        for campaign_id, events in accepted.by_campaign():
            self._fold_campaign(state, topic, campaign_id, events, gone, refusals)
        for place, rejection in sorted(refusals, key=lambda refusal: refusal[0]):
            self._refuse(state, topic, records[place], rejection)

    def _refuse_too_old(self, state: Attribution, events: EventBatch, gone: Integers, refusals: Refusals) -> EventBatch:
        """Refuse what lies in minutes that may be forgotten, whatever its own record's time says; the others.

        Args:
            gone: by place in the batch, the end of the newest minute that is beyond the horizon.
        """
        too_old = _ends_of(events) <= np.maximum(gone[events.places], state.forgotten)
        if not too_old.any():
            return events
        days = self.codec.horizon_ms // DAY_MS
        expectation = f"at most {days} days before the records that came before it in its topic"
        for position in np.flatnonzero(too_old).tolist():
            rejection = Rejection(
                Reason.BEYOND_HORIZON, "occurred_at", events.events[position].occurred_at, expectation
            )
            refusals.append((int(events.places[position]), rejection))
        return events.take(np.flatnonzero(~too_old))

    def _fold_campaign(
        self, state: Attribution, topic: str, campaign_id: str, events: EventBatch, gone: Integers, refusals: Refusals
    ) -> None:
        tally, index = state.tallies[topic], state.referrals_of(campaign_id)
        ends = _ends_of(events)
        identities = identities_of(state.key, campaign_id, events)
        if topic == SHARES:
            since = gone[events.places].tolist()
            seen, chosen = _register(
                state.identities[SHARES], index, events, ends, identities.tolist(), since, refusals
            )
            index.apply_reassignments()
            tally.duplicates += seen
        else:
            fresh = filter_new(state.identities[topic], ends, identities)
            chosen = np.flatnonzero(fresh)
            tally.duplicates += len(events) - len(chosen)
        tally.accepted += len(chosen)
        late = events.record_ms - events.occurred_ms > self._lateness_ms[campaign_id]
        tally.late += int(late[chosen].sum())
        _COUNT[topic](state, index, events, ends, chosen)

    def _refuse(self, state: Attribution, topic: str, record: Record, rejection: Rejection) -> None:
        state.tallies[topic].dead_lettered += 1
        letter = dead_letter(
            rejection,
            processor=self.processor,
            source=(topic, state.partition, record.offset),
            record_time_ms=record.timestamp,
            key=record.key,
            payload=record.value,
            headers=list(record.headers),
        )
        state.letters.append(letter)


def _register(
    seen: dict[int, Identities],
    index: ReferralIndex,
    shares: EventBatch,
    ends: Integers,
    identities: list[int],
    since: list[int],
    refusals: Refusals,
) -> tuple[int, Integers]:
    """Assign the referral of each share; returns the number of duplicates, and the positions of shares that count.

    One by one: a known id is a duplicate whoever owns the referral, and a refused share does not make its id known.

    Args:
        since: up to which minute each share leaves the events of its referral unattributed.
    """
    duplicates, chosen = 0, []
    for position, (share, end, identity) in enumerate(zip(shares.events, ends.tolist(), identities, strict=True)):
        ids = ids_of(seen, end)
        if identity in ids:
            duplicates += 1
            continue
        taken = _assign_referral(index, share, since[position])
        if taken is not None:
            refusals.append((int(shares.places[position]), taken))
            continue
        ids.put(identity)
        chosen.append(position)
    return duplicates, np.array(chosen, np.int64)


def _assign_referral(index: ReferralIndex, share: Share, since: int) -> Rejection | None:
    """Assign the share's referral to its influencer; a rejection where another influencer has it."""
    owner_id = index.owner_ids.get(share.referral_id)
    if owner_id is None:
        index.assign(share.referral_id, index.owner_id_of(_owner_of(share)), since)
    elif index.owners[owner_id].influencer_id != share.influencer_id:
        expectation = "the influencer whose share came first, or a referral of its own"
        return Rejection(Reason.REFERRAL_TAKEN, "influencer_id", share.influencer_id, expectation)
    return None


def _owner_of(share: Share) -> Owner:
    return Owner(share.influencer_id, share.channel, share.tie)


def _count_shares(
    state: Attribution, index: ReferralIndex, shares: EventBatch, ends: Integers, chosen: Integers
) -> None:
    owner_ids = np.array([index.owner_id_of(_owner_of(share)) for share in shares.take(chosen).events], np.int64)
    once = np.ones(len(chosen), np.int64)
    state.slice_table.count(index.entity_ids[owner_ids], ends[chosen], counters.SHARES * once, once)


def _count_clicks(
    state: Attribution, index: ReferralIndex, clicks: EventBatch, ends: Integers, chosen: Integers
) -> None:
    once = np.ones(len(clicks), np.int64)
    _count_exposures(state, index, clicks, ends, counters.CLICKS * once, once, chosen)


def _count_impressions(
    state: Attribution, index: ReferralIndex, impressions: EventBatch, ends: Integers, chosen: Integers
) -> None:
    kinds = np.array([_BASES[impression.basis] for impression in impressions.events], np.int64)
    numbers = np.array([impression.count for impression in impressions.events], np.int64)
    _count_exposures(state, index, impressions, ends, kinds, numbers, chosen)


def _count_exposures(
    state: Attribution,
    index: ReferralIndex,
    events: EventBatch,
    ends: Integers,
    kinds: Integers,
    numbers: Integers,
    chosen: Integers,
) -> None:
    owner_ids, orphaned = index.owner_ids_at(events.keys, ends)
    owner_ids, ends, kinds, numbers = owner_ids[chosen], ends[chosen], kinds[chosen], numbers[chosen]
    state.slice_table.count(index.entity_ids[owner_ids], ends, kinds, numbers)
    lost = np.flatnonzero(orphaned[chosen])
    columns = (chosen[lost], ends[lost], kinds[lost], numbers[lost])
    for position, end, kind, number in zip(*(column.tolist() for column in columns), strict=True):
        index.orphan(events.keys[position]).count(end, kind, number)


def _count_gifts(state: Attribution, index: ReferralIndex, gifts: EventBatch, ends: Integers, chosen: Integers) -> None:
    kinds = []
    owner_ids, orphaned = index.owner_ids_at(gifts.keys, ends)
    direct = np.array([gift.referral_id is None for gift in gifts.events], np.bool_)
    owner_ids[direct] = index.direct
    orphaned &= ~direct
    columns = (owner_ids[chosen].tolist(), orphaned[chosen].tolist(), ends[chosen].tolist())
    for gift, owner_id, is_orphan, end in zip(gifts.take(chosen).events, *columns, strict=True):
        kind, money = money_of(gift)
        if is_orphan:
            orphan = index.orphan(gift.referral_id)
            orphan.count(end, kind, 1)
            orphan.add_money(end, money)
        state.slice_table.add_money(index.entity_ids[owner_id].tolist(), end, money)
        kinds.append(kind)
    entity_ids = index.entity_ids[owner_ids[chosen]]
    state.slice_table.count(entity_ids, ends[chosen], np.array(kinds, np.int64), np.ones(len(chosen), np.int64))


_COUNT: Final = {
    SHARES: _count_shares,
    CLICKS: _count_clicks,
    IMPRESSIONS: _count_impressions,
    DONATIONS: _count_gifts,
}


def _ends_of(events: EventBatch) -> Integers:
    return events.occurred_ms // MINUTE_MS * 60 + 60


def _heard(record: Record) -> CheckedHeartbeat | None:
    try:
        return check(record.value, record.timestamp)
    except ValueError:
        return None


def least_patience_ms(campaigns: Mapping[str, Campaign]) -> int:
    """How long a feed may be silent before that is a hole for any campaign."""
    return min((campaign.stall.feed_patience for campaign in campaigns.values()), default=1) * MINUTE_MS


def _lateness_ms(campaigns: Mapping[str, Campaign]) -> dict[str, int]:
    return {name: campaign.allowed_lateness * 1000 for name, campaign in campaigns.items()}
