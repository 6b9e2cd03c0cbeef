"""The producer that behaves badly knows exactly how many good events it has sent."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from schemas.campaign import Campaign
from schemas.codec import Codec, Rejection
from schemas.partitioning import partition_of
from tests.chaos.feed import CAMPAIGN, LATE_SECONDS, LATENESS_SECONDS, Feed

PARTITIONS = 4
NOW = datetime(2026, 3, 12, 18, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
CHAOS = Campaign(
    CAMPAIGN, "Chaos", NOW, NOW + timedelta(hours=48), Decimal(1000), "USD", allowed_lateness=LATENESS_SECONDS
)
CODEC = Codec({CAMPAIGN: CHAOS}, PARTITIONS)


def test_what_it_calls_good_is_what_the_codec_accepts_once() -> None:
    feed = Feed(7)
    records = [record for second in range(20_000) for record in feed.next(NOW_MS + second)] + feed.rest()
    accepted: dict[str, set[str]] = {}
    seen: Counter[str] = Counter()
    for record in records:
        home = partition_of(record.key or b"", PARTITIONS)
        verdict = CODEC.validate(record.topic, home, record.key, record.value, record.record_time_ms)
        if isinstance(verdict, Rejection):
            seen["refused"] += 1
            continue
        event, occurred_ms = verdict
        ids = accepted.setdefault(record.topic, set())
        seen["duplicate"] += event.event_id in ids
        seen["late"] += record.record_time_ms - occurred_ms > LATENESS_SECONDS * 1000
        assert record.record_time_ms - occurred_ms <= LATE_SECONDS * 1000
        ids.add(event.event_id)
    assert {topic: len(ids) for topic, ids in accepted.items()} == dict(feed.good)
    assert set(feed.good) == {"shares", "clicks", "impressions", "donations"}
    assert min(seen["refused"], seen["duplicate"], seen["late"]) > 20, seen


def test_two_feeds_of_other_seeds_share_no_event() -> None:
    first, second = Feed(1), Feed(2)
    ids = [{r.value for i in range(1000) for r in feed.next(NOW_MS + i)} for feed in (first, second)]
    assert len(ids[0] & ids[1]) <= 7  # poison has few forms
