"""The impressions, by how their number is known: measured, sampled, estimated.

Own pages and mails are measured, posts on twitter and reddit are sampled, and of the celebrities' posts there are
only estimates.  The three are never added together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from schemas.events import Basis
from streams.producers.door.calendar import HOUR, MINUTE, START_MS, TAIL_END_MS
from streams.producers.door.personas import CELEBRITIES, NORTH, SOUTH
from streams.producers.door.posts import Post
from streams.producers.door.rng import Rng, apportion
from streams.producers.door.visits import Visit

# 3,002,400 together: one donation among them has the exact 95 % interval 0.008 to 1.86 per million.
ESTIMATED: Final = {NORTH.id: 540_400, SOUTH.id: 2_462_000}
ESTIMATES_PER_POST: Final = 12  # one an hour

_SAMPLED_AT: Final = ((1, 14), (3, 9), (9, 5), (24, 2))  # hours after the post, per cent of the followers


@dataclass(frozen=True, slots=True)
class View:
    """A number of impressions of one referral."""

    at_ms: int
    referral_id: str
    count: int
    basis: Basis


def plan_views(rng: Rng, posts: list[Post], visits: list[Visit]) -> list[View]:
    """All impressions, in order of event time."""
    views = [*_measured(rng, posts, visits), *_sampled(rng, posts), *_estimated(posts)]
    return sorted(views, key=lambda view: view.at_ms)


def _measured(rng: Rng, posts: list[Post], visits: list[Visit]) -> Iterator[View]:
    """Own pages and mails count themselves, hour by hour."""
    own = {post.referral_id for post in posts if post.share.channel in ("blog", "email")}
    clicks: dict[tuple[int, str], int] = {}
    for visit in visits:
        if visit.referral_id in own:
            hour = ((visit.at_ms - START_MS) // HOUR, visit.referral_id)
            clicks[hour] = clicks.get(hour, 0) + 1
    for (hour_number, referral_id), count in sorted(clicks.items()):
        at_ms = START_MS + (hour_number + 1) * HOUR - rng.whole(1, 59_999)
        yield View(at_ms, referral_id, count * 4 + rng.whole(1, 12), "measured")


def _sampled(rng: Rng, posts: list[Post]) -> Iterator[View]:
    for post in posts:
        if post.share.channel not in ("twitter", "reddit") or post.influencer in CELEBRITIES:
            continue
        for hours, per_cent in _SAMPLED_AT:
            at_ms = post.at_ms + hours * HOUR + rng.whole(0, 20 * MINUTE)
            count = post.influencer.followers * per_cent * rng.whole(50, 150) // 10_000
            if count and at_ms < TAIL_END_MS:
                yield View(at_ms, post.referral_id, count, "sampled")


def _estimated(posts: list[Post]) -> Iterator[View]:
    for celebrity in CELEBRITIES:
        own = [post for post in posts if post.influencer is celebrity]
        moments = [
            (post.at_ms + (hour + 1) * HOUR, post.referral_id, 1_000 // (hour + 1))
            for post in own
            for hour in range(ESTIMATES_PER_POST)
        ]
        counts = apportion(ESTIMATED[celebrity.id], [weight for _, _, weight in moments])
        for (at_ms, referral_id, _), count in zip(moments, counts, strict=True):
            yield View(at_ms, referral_id, count, "estimated")
