"""The whole appeal as records, in the order in which they are sent.

posts -> visits -> gifts -> views --record times--> + copies, claims, malformed --sorted--> records
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from schemas.events import SCHEMA_VERSION, Click, Donation, Event, Impression, Share
from schemas.money import decimal_text
from schemas.times import rfc3339
from schemas.topics import CLICKS, DONATIONS, IMPRESSIONS, SHARES
from streams.producers.door.calendar import CAMPAIGN_ID, DAY, HOUR, MINUTE, SECOND, TAIL_END_MS
from streams.producers.door.gifts import Gift, plan_gifts
from streams.producers.door.malformed import malformed
from streams.producers.door.personas import community
from streams.producers.door.posts import BELATED_REFERRAL, Post, plan_posts
from streams.producers.door.rng import Rng
from streams.producers.door.views import View, plan_views
from streams.producers.door.visits import Visit, plan_visits
from streams.producers.outgoing import Outgoing, outgoing

SEED: Final = 20_260_312
LATE: Final = 0.03  # of all events reach us long after they happened
# How often an event is sent twice: payment providers repeat themselves more than web pages do.
SENT_AGAIN: Final = {SHARES: 0.01, CLICKS: 0.01, IMPRESSIONS: 0.01, DONATIONS: 0.04}
A_DAY_LATER: Final = 0.2  # of those
CLAIMS: Final = 2  # of a referral that is somebody else's

Dated = tuple[int, str, Event]


def records(partitions: int = 4) -> Iterator[Outgoing]:
    """Every record of the sample appeal, by record time.  The same bytes on every call.

    Args:
        partitions: of the source topics; only the message in the wrong partition depends on it.
    """
    rng = Rng(SEED)
    posts = plan_posts(rng, community(rng))
    visits = plan_visits(rng, posts)
    sharers = sorted({post.share.sharer_id for post in posts if post.share.sharer_id} - {"p-author"})
    gifts = plan_gifts(rng, visits, sharers)
    views = plan_views(rng, posts, visits)
    sent = [_record(rng, dated) for dated in _events(rng, posts, visits, gifts, views)]
    sent += list(_sent_again(rng, sent))
    sent += list(_claims(rng, posts))
    sent += [record for _, record in malformed(rng, partitions)]
    yield from sorted(sent, key=lambda record: record.record_time_ms)


def _events(rng: Rng, posts: list[Post], visits: list[Visit], gifts: list[Gift], views: list[View]) -> Iterator[Dated]:
    for post in posts:
        yield post.at_ms, SHARES, post.share
    for visit in visits:
        yield visit.at_ms, CLICKS, _click(rng, visit)
    for view in views:
        yield view.at_ms, IMPRESSIONS, _impression(rng, view)
    for number, gift in enumerate(gifts, 1):
        yield gift.at_ms, DONATIONS, _donation(rng, gift, number)


def _click(rng: Rng, visit: Visit) -> Click:
    return Click(
        event_id=rng.uuid(),
        campaign_id=CAMPAIGN_ID,
        referral_id=visit.referral_id,
        occurred_at=rfc3339(visit.at_ms),
        schema_version=SCHEMA_VERSION,
        visitor_id=visit.visitor_id,
    )


def _impression(rng: Rng, view: View) -> Impression:
    return Impression(
        event_id=rng.uuid(),
        campaign_id=CAMPAIGN_ID,
        referral_id=view.referral_id,
        occurred_at=rfc3339(view.at_ms),
        schema_version=SCHEMA_VERSION,
        count=view.count,
        basis=view.basis,
    )


def _donation(rng: Rng, gift: Gift, number: int) -> Donation:
    return Donation(
        event_id=rng.uuid(),
        campaign_id=CAMPAIGN_ID,
        referral_id=gift.referral_id,
        occurred_at=rfc3339(gift.at_ms),
        schema_version=SCHEMA_VERSION,
        donation_id=f"gift-{number:04d}",
        kind="donation",
        amount=decimal_text(gift.cents, "USD"),
        currency="USD",
        tie=gift.tie,
        fee=None if gift.fee_cents is None else decimal_text(gift.fee_cents, "USD"),
        donor_id=gift.donor_id,
    )


def _record(rng: Rng, dated: Dated) -> Outgoing:
    at_ms, topic, event = dated
    delay = 120 + min(rng.exponential_ms(2 * SECOND), MINUTE)
    if event.referral_id == BELATED_REFERRAL and topic == SHARES:
        delay = DAY
    elif rng.chance(LATE):
        delay = 6 * MINUTE + rng.exponential_ms(40 * MINUTE)
    return outgoing(topic, event, min(at_ms + delay, TAIL_END_MS - 1))


def _sent_again(rng: Rng, sent: list[Outgoing]) -> Iterator[Outgoing]:
    """Some events once more, byte for byte."""
    for record in sent:
        if not rng.chance(SENT_AGAIN[record.topic]):
            continue
        pause = DAY if rng.chance(A_DAY_LATER) else SECOND
        again_ms = record.record_time_ms + pause + rng.exponential_ms(10 * MINUTE)
        yield record._replace(record_time_ms=min(again_ms, TAIL_END_MS - 1))


def _claims(rng: Rng, posts: list[Post]) -> Iterator[Outgoing]:
    """Shares that claim the author's link for somebody else, hours after its own share."""
    first, other = posts[0], posts[-1].influencer
    for number in range(CLAIMS):
        at_ms = first.at_ms + (5 + 8 * number) * HOUR
        claim: Share = msgspec.structs.replace(
            first.share, event_id=rng.uuid(), occurred_at=rfc3339(at_ms), influencer_id=other.id
        )
        yield outgoing(SHARES, claim, at_ms + SECOND)
