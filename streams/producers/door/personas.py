"""Who is in the story: the author, two celebrities and forty members of the author's own community."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from streams.producers.door.rng import Rng, apportion

Tie = Literal["strong", "weak", "unknown"]

SHARES: Final = 446
COMMUNITY_SIZE: Final = 40


@dataclass(frozen=True, slots=True)
class Influencer:
    """Somebody who shares.

    `posts` is how often; `pull` how many clicks they draw, in proportion; `warmth` how likely one of those clicks
    gives, in proportion.  Reach, pull and warmth are drawn apart: reach is not influence.
    """

    id: str
    followers: int
    posts: int
    pull: int
    warmth: int
    tie: Tie
    channels: tuple[str, ...]


AUTHOR: Final = Influencer("author", 2_140, 10, 2_100, 100, "strong", ("blog", "email", "twitter", "facebook"))
NORTH: Final = Influencer("celebrity-north", 118_000, 2, 70, 1, "weak", ("twitter",))
SOUTH: Final = Influencer("celebrity-south", 531_000, 2, 120, 1, "weak", ("twitter",))
CELEBRITIES: Final = (NORTH, SOUTH)

# One share, one click, one gift: a raw rate of 100 % that must not lead any ranking.
LONE_ID: Final = f"community-{COMMUNITY_SIZE:02d}"


def community(rng: Rng) -> tuple[Influencer, ...]:
    """The forty, the busiest first; how often they post follows Zipf."""
    shared = SHARES - AUTHOR.posts - sum(celebrity.posts for celebrity in CELEBRITIES)
    zipf = [10_000 // (rank + 2) for rank in range(1, COMMUNITY_SIZE)]
    posts = [1 + more for more in apportion(shared - COMMUNITY_SIZE, zipf)] + [1]
    members = [_member(rng, rank, count) for rank, count in enumerate(posts, 1)]
    return tuple(members)


def _member(rng: Rng, rank: int, posts: int) -> Influencer:
    drawn = rng.fraction()
    channels = rng.shuffled(("twitter", "facebook", "blog", "email", "reddit"))[:3]
    tie: Tie = "strong" if drawn < 0.6 else "weak" if drawn < 0.92 else "unknown"
    lone = rank == COMMUNITY_SIZE
    return Influencer(
        id=f"community-{rank:02d}",
        followers=60 + int(rng.fraction() ** 4 * 9_000),
        posts=posts,
        pull=0 if lone else 20 + int(posts * 8 * rng.fraction()),
        warmth=0 if lone else 20 + int(rng.fraction() ** 2 * 230),
        tie=tie,
        channels=tuple(channels),
    )
