"""The 446 shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.events import SCHEMA_VERSION, Share, ShareKind
from schemas.times import rfc3339
from streams.producers.door.calendar import CAMPAIGN_ID, END_MS, HOUR, MINUTE, START_MS, is_awake
from streams.producers.door.personas import AUTHOR, CELEBRITIES, LONE_ID, Influencer
from streams.producers.door.rng import Rng

# A referral whose share is registered a day after the clicks and the gift that it brought.
BELATED_REFERRAL: Final = "door-belated"
BELATED_RANK: Final = 6
BELATED_AT: Final = START_MS + 6 * HOUR + 20 * MINUTE

LONE_AT: Final = START_MS + 9 * HOUR + 12 * MINUTE
SHARED_AGAIN: Final = 18  # shares of a referral that the same influencer had shared before
KNOWN_SHARERS: Final = 0.7

_AUTHOR_MINUTES: Final = (0, 2, 6, 11, 320, 1_430, 1_480, 1_510, 2_400, 2_620)
_CELEBRITY_MINUTES: Final = {"celebrity-north": (335, 1_690), "celebrity-south": (372, 1_475)}


@dataclass(frozen=True, slots=True)
class Post:
    """One share: its event, when it happened and who made it."""

    share: Share
    at_ms: int
    influencer: Influencer

    @property
    def referral_id(self) -> str:
        return self.share.referral_id


def plan_posts(rng: Rng, members: tuple[Influencer, ...]) -> list[Post]:
    """All accepted shares, in order of event time."""
    posts: list[Post] = []
    people: list[str] = []
    for at_ms, influencer in _schedule(rng, members):
        referral = _referral(rng, posts, at_ms, influencer)
        sharer = _sharer(rng, influencer, people)
        posts.append(Post(_share(rng, posts, at_ms, influencer, referral, sharer), at_ms, influencer))
    return posts


def _schedule(rng: Rng, members: tuple[Influencer, ...]) -> list[tuple[int, Influencer]]:
    moments = [(START_MS + minute * MINUTE, AUTHOR) for minute in _AUTHOR_MINUTES]
    for celebrity in CELEBRITIES:
        moments += [(START_MS + minute * MINUTE, celebrity) for minute in _CELEBRITY_MINUTES[celebrity.id]]
    for rank, member in enumerate(members, 1):
        fixed = {BELATED_RANK: [BELATED_AT], len(members): [LONE_AT]}.get(rank, [])
        drawn = [_moment(rng) for _ in range(member.posts - len(fixed))]
        moments += [(at_ms, member) for at_ms in (*fixed, *drawn)]
    return sorted(moments, key=lambda moment: moment[0])


def _moment(rng: Rng) -> int:
    """A time within the 48 hours: soon after the launch, and by day."""
    while True:
        at_ms = START_MS + 5 * MINUTE + rng.exponential_ms(15 * HOUR)
        if at_ms < END_MS - HOUR and is_awake(rng, at_ms):
            return at_ms


def _referral(rng: Rng, posts: list[Post], at_ms: int, influencer: Influencer) -> str:
    if at_ms == BELATED_AT:
        return BELATED_REFERRAL
    own = [post.referral_id for post in posts if post.influencer is influencer]
    own = [referral for referral in own if referral != BELATED_REFERRAL]
    again = len(posts) - len({post.referral_id for post in posts})
    if influencer.id.startswith("community") and own and again < SHARED_AGAIN and rng.chance(0.06):
        return rng.pick(own)
    return f"door-{len(posts) + 1:04d}"


def _sharer(rng: Rng, influencer: Influencer, people: list[str]) -> str | None:
    """The pseudonym of who shared, where it is known; some share more than once."""
    if influencer is AUTHOR:
        return "p-author"
    if influencer in CELEBRITIES or not rng.chance(KNOWN_SHARERS):
        return None
    if people and rng.chance(0.15):
        return rng.pick(people)
    people.append(f"p-{rng.whole(0, 16**8 - 1):08x}")
    return people[-1]


def _share(rng: Rng, posts: list[Post], at_ms: int, influencer: Influencer, referral: str, sharer: str | None) -> Share:
    channel = influencer.channels[len(posts) % len(influencer.channels)]
    kind = _kind(rng, influencer, channel)
    parents = [post for post in posts if post.influencer is AUTHOR or post.influencer in CELEBRITIES]
    parent = rng.pick(parents).referral_id if kind in ("repost", "quote") and parents else None
    return Share(
        event_id=rng.uuid(),
        campaign_id=CAMPAIGN_ID,
        referral_id=referral,
        occurred_at=rfc3339(at_ms),
        schema_version=SCHEMA_VERSION,
        influencer_id=influencer.id,
        channel=channel,
        kind=kind,
        audience=influencer.followers if channel != "email" else 5 + influencer.followers // 12,
        tie=influencer.tie,
        parent_referral_id=parent,
        sharer_id=sharer,
    )


def _kind(rng: Rng, influencer: Influencer, channel: str) -> ShareKind:
    if channel == "email":
        return "email"
    if channel == "blog":
        return "own_post"
    if influencer is AUTHOR:
        return "original"
    return "repost" if rng.chance(0.6) else "quote" if rng.chance(0.5) else "own_post"


def is_lone(post: Post) -> bool:
    return post.influencer.id == LONE_ID
