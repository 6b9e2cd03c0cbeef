"""Which feeds were heard last, and how far a player of history has said that everything is in the log.

A player says: everything with a record time before `at` is in the log, which then ended at `sent`.  Once that is
folded, the partition is complete up to `at`, whatever the topics' own clocks say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from schemas.heartbeats import Heard
from schemas.slices import feed_key
from schemas.topics import SOURCES

# One partition's: whoever makes up names must not fill the memory, nor a progress record (about 200 kB then).
FEEDS_AT_MOST: Final = 1000
# What a week played at once leaves behind the reader is 2,000; beyond this every second claim is dropped.
CLAIMS_AT_MOST: Final = 4096
# Of one feed; they travel with every progress record.
SILENCES_AT_MOST: Final = 50


class Claim(NamedTuple):
    """A player's word: up to `at_ms` all is in the log, when the topics ended at `sent`, in the order of SOURCES."""

    at_ms: int
    sent: tuple[int, ...]


@dataclass
class Feeds:
    """What the heartbeats of one partition said, by `feed_key`; times in epoch milliseconds.

    `newest` holds feeds of source topics, `silences` the times between two of their heartbeats that were longer than
    somebody's patience: a feed that comes back has sent what it has, and nobody knows what it never had.  `played`
    holds, of each player, the newest claim that is folded; `claims` those that are not.
    """

    newest: dict[str, int] = field(default_factory=dict)
    played: dict[str, int] = field(default_factory=dict)
    claims: dict[str, list[Claim]] = field(default_factory=dict)
    silences: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def hear(self, heartbeat: Heard, patience_ms: int) -> None:
        """
        Args:
            patience_ms: a longer silence is remembered.
        """
        key = feed_key(heartbeat.feed, heartbeat.campaign_id)
        known = self.newest.keys() | self.played.keys() | self.claims.keys()
        if key not in known and len(known) >= FEEDS_AT_MOST:
            return
        if not heartbeat.is_player:
            last_ms = self.newest.get(key, heartbeat.at_ms)
            if heartbeat.at_ms - last_ms > patience_ms:
                self.silences[key] = [*self.silences.get(key, ()), (last_ms, heartbeat.at_ms)][-SILENCES_AT_MOST:]
            self.newest[key] = max(heartbeat.at_ms, last_ms)
        elif all(topic in heartbeat.sent for topic in SOURCES):
            sent = tuple(heartbeat.sent[topic] for topic in SOURCES)
            self.claims.setdefault(key, []).append(Claim(heartbeat.at_ms, sent))

    def confirm(self, positions: Mapping[str, int]) -> None:
        """Take the claims whose records are folded, up to these positions, as true."""
        folded = tuple(positions.get(topic, 0) for topic in SOURCES)
        for key, claims in list(self.claims.items()):
            true = [claim.at_ms for claim in claims if _is_covered(claim.sent, folded)]
            if true:
                self.played[key] = max(*true, self.played.get(key, 0))
            played = self.played.get(key, 0)
            left = [claim for claim in claims if claim.at_ms > played]
            if len(left) > CLAIMS_AT_MOST:
                # Only how finely it goes on depends on this; the last one stays.
                del left[-2::-2]
            if left:
                self.claims[key] = left
            else:
                del self.claims[key]

    @property
    def has_player(self) -> bool:
        """Whether a player ever said how far it had sent."""
        return bool(self.played or self.claims)

    @property
    def played_up_to(self) -> int:
        """The newest played time up to which everything is folded; 0: none yet."""
        return max(self.played.values(), default=0)


def _is_covered(sent: tuple[int, ...], folded: tuple[int, ...]) -> bool:
    return all(end <= position for end, position in zip(sent, folded, strict=True))
