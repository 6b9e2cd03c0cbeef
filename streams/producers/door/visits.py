"""The clicks: about 5,400 in the 48 hours, with day and night, and the second wave after the results post."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from streams.producers.door.calendar import (
    DAY,
    END_MS,
    HOUR,
    MINUTE,
    RESULTS_MS,
    START_MS,
    TAIL_END_MS,
    click_delay,
    is_awake,
)
from streams.producers.door.personas import AUTHOR, CELEBRITIES
from streams.producers.door.posts import BELATED_REFERRAL, Post, is_lone
from streams.producers.door.rng import Rng, Wheel

VISITS: Final = 5_400  # within the 48 hours
BELATED_VISITS: Final = 24
ORPHAN_REFERRALS: Final = ("door-nobody-1", "door-nobody-2", "door-nobody-3")
ORPHAN_VISITS: Final = 14  # of each: their links were never registered
TRICKLE: Final = 310  # after the 48 hours
WAVE: Final = 760  # brought by the results post
KNOWN_VISITORS: Final = 0.85


@dataclass(slots=True)
class Visit:
    """One click.  `influencer_id` is whose it is, "" for a link that nobody registered."""

    at_ms: int
    referral_id: str
    influencer_id: str
    warmth: int
    visitor_id: str | None


def plan_visits(rng: Rng, posts: list[Post]) -> list[Visit]:
    """All clicks, in order of event time."""
    crowd = _Crowd(rng)
    lone = next(post for post in posts if is_lone(post))
    late = next(post for post in posts if post.referral_id == BELATED_REFERRAL)
    visits = [crowd.visit(lone.at_ms + 7 * MINUTE, lone)]
    visits += [crowd.visit(late.at_ms + rng.whole(1, 14 * 60) * MINUTE, late) for _ in range(BELATED_VISITS)]
    visits += _orphans(rng, crowd)
    visits += _first_48_hours(rng, crowd, posts, VISITS - len(visits))
    visits += _tail(rng, crowd, posts)
    return sorted(visits, key=lambda visit: visit.at_ms)


class _Crowd:
    """Visitors, some of whom come again; not every one is known."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._known: list[str] = []

    def visit(self, at_ms: int, post: Post) -> Visit:
        influencer = post.influencer
        return Visit(at_ms, post.referral_id, influencer.id, influencer.warmth, self._visitor())

    def orphan(self, at_ms: int, referral_id: str) -> Visit:
        return Visit(at_ms, referral_id, "", 0, self._visitor())

    def _visitor(self) -> str | None:
        rng = self._rng
        if not rng.chance(KNOWN_VISITORS):
            return None
        if self._known and rng.chance(0.1):
            return rng.pick(self._known)
        self._known.append(f"p-{rng.whole(0, 16**8 - 1):08x}")
        return self._known[-1]


def _orphans(rng: Rng, crowd: _Crowd) -> Iterator[Visit]:
    for referral_id in ORPHAN_REFERRALS:
        for _ in range(ORPHAN_VISITS):
            yield crowd.orphan(START_MS + rng.whole(2 * 60, 40 * 60) * MINUTE + rng.whole(0, 59_999), referral_id)


def _first_48_hours(rng: Rng, crowd: _Crowd, posts: list[Post], count: int) -> Iterator[Visit]:
    open_posts = [post for post in posts if post.influencer.pull and post.referral_id != BELATED_REFERRAL]
    wheel = Wheel([_weight(post) for post in open_posts])
    while count:
        post = open_posts[wheel.spin(rng)]
        at_ms = post.at_ms + rng.whole(1_500, 90_000) + click_delay(rng)
        if at_ms < END_MS and is_awake(rng, at_ms):
            count -= 1
            yield crowd.visit(at_ms, post)


def _weight(post: Post) -> int:
    """A post's part of its influencer's pull.  The author's first four, the appeal itself, bring three quarters."""
    influencer = post.influencer
    pull = influencer.pull * 1_000
    if influencer is not AUTHOR:
        return pull // influencer.posts
    is_first = post.at_ms < START_MS + HOUR
    return pull * 3 // 16 if is_first else pull // 24


def _tail(rng: Rng, crowd: _Crowd, posts: list[Post]) -> Iterator[Visit]:
    own = [post for post in posts if post.influencer is AUTHOR]
    quiet = [post for post in posts if post.influencer.pull and post.influencer not in CELEBRITIES]
    last = TAIL_END_MS - 8 * HOUR
    left = TRICKLE
    while left:
        at_ms = END_MS + rng.exponential_ms(1.5 * DAY)
        if at_ms < last and is_awake(rng, at_ms):
            left -= 1
            yield crowd.visit(at_ms, rng.pick(quiet))
    left = WAVE
    while left:
        at_ms = RESULTS_MS + 2 * MINUTE + rng.exponential_ms(6 * HOUR)
        if at_ms < last and is_awake(rng, at_ms):
            left -= 1
            yield crowd.visit(at_ms, rng.pick(own[:4]))
