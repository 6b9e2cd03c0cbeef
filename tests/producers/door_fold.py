"""A fold of an appeal's records that shares nothing with the operators: what is accepted, in the log's order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from schemas.campaign import load_campaigns
from schemas.codec import Codec, Rejection
from schemas.partitioning import partition_of
from streams.producers.outgoing import Outgoing

PARTITIONS = 4
CAMPAIGNS = Path(__file__).parents[2] / "infra" / "campaigns"


@dataclass
class Folded:
    """Accepted events by topic as (time in ms, event), and what became of the rest."""

    accepted: dict[str, list] = field(default_factory=lambda: defaultdict(list))
    duplicates: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)
    late: Counter = field(default_factory=Counter)
    owners: dict[str, str] = field(default_factory=dict)

    def between(self, topic: str, start_ms: int, end_ms: int) -> list:
        return [event for at_ms, event in self.accepted[topic] if start_ms <= at_ms < end_ms]


def codec() -> Codec:
    return Codec(load_campaigns(CAMPAIGNS), PARTITIONS)


def fold(records: Iterable[Outgoing]) -> Folded:
    folded, judge, seen = Folded(), codec().validate, set()
    for record in records:
        partition = partition_of(record.key, PARTITIONS) if record.partition is None else record.partition
        verdict = judge(record.topic, partition, record.key, record.value, record.record_time_ms)
        if isinstance(verdict, Rejection):
            folded.refused[str(verdict.reason)] += 1
            continue
        event, at_ms = verdict
        identity = (record.topic, event.campaign_id, event.referral_id, at_ms, event.event_id.lower())
        if identity in seen:
            folded.duplicates[record.topic] += 1
            continue
        if record.topic == "shares":
            owner = folded.owners.setdefault(event.referral_id, event.influencer_id)
            if owner != event.influencer_id:
                folded.refused["referral_taken"] += 1
                continue
        seen.add(identity)
        folded.accepted[record.topic].append((at_ms, event))
        folded.late[record.topic] += record.record_time_ms - at_ms > 300_000
    return folded
