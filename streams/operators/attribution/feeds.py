"""The newest heartbeat of each feed, and up to which record time a player of history has written everything.

A player reports: everything with a record time before `at` is in the log, which then ended at `sent`.  Once that is
folded, the partition is complete up to `at`, whatever the clocks of the topics are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from schemas.heartbeats import CheckedHeartbeat
from schemas.slices import feed_key
from schemas.topics import SOURCES

# One partition's: whoever makes up names must not fill the memory, nor a progress record (about 200 kB then).
FEEDS_AT_MOST: Final = 1000
# What a week played at once leaves behind the reader is 2,000; beyond this every second report is dropped.
REPORTS_AT_MOST: Final = 4096
# Of one feed; they travel with every progress record.
SILENCES_AT_MOST: Final = 50


class PlayerReport(NamedTuple):
    """Up to `at_ms` everything is in the log, when the topics ended at `sent`, in the order of SOURCES."""

    at_ms: int
    sent: tuple[int, ...]


@dataclass
class Feeds:
    """The heartbeats of one partition, by `feed_key`; times in epoch milliseconds.

    `newest` holds feeds of source topics, `silences` the times between two of their heartbeats that were longer than
    somebody's patience: a feed that comes back has sent what it has, and nobody knows what it never had.  `played`
    holds, of each player, the newest report whose records are folded; `unconfirmed` the reports whose are not.
    """

    newest: dict[str, int] = field(default_factory=dict)
    played: dict[str, int] = field(default_factory=dict)
    unconfirmed: dict[str, list[PlayerReport]] = field(default_factory=dict)
    silences: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def note(self, heartbeat: CheckedHeartbeat, patience_ms: int) -> None:
        """
        Args:
            patience_ms: a longer silence is remembered.
        """
        key = feed_key(heartbeat.feed, heartbeat.campaign_id)
        known = self.newest.keys() | self.played.keys() | self.unconfirmed.keys()
        if key not in known and len(known) >= FEEDS_AT_MOST:
            return
        if not heartbeat.is_player:
            last_ms = self.newest.get(key, heartbeat.at_ms)
            if heartbeat.at_ms - last_ms > patience_ms:
                self.silences[key] = [*self.silences.get(key, ()), (last_ms, heartbeat.at_ms)][-SILENCES_AT_MOST:]
            self.newest[key] = max(heartbeat.at_ms, last_ms)
        elif all(topic in heartbeat.sent for topic in SOURCES):
            sent = tuple(heartbeat.sent[topic] for topic in SOURCES)
            self.unconfirmed.setdefault(key, []).append(PlayerReport(heartbeat.at_ms, sent))

    def confirm(self, positions: Mapping[str, int]) -> None:
        """Accept the reports whose records are folded up to these positions."""
        folded = tuple(positions.get(topic, 0) for topic in SOURCES)
        for key, unconfirmed in list(self.unconfirmed.items()):
            true = [report.at_ms for report in unconfirmed if _is_covered(report.sent, folded)]
            if true:
                self.played[key] = max(*true, self.played.get(key, 0))
            played = self.played.get(key, 0)
            left = [report for report in unconfirmed if report.at_ms > played]
            if len(left) > REPORTS_AT_MOST:
                # Only how finely it goes on depends on this; the last one stays.
                del left[-2::-2]
            if left:
                self.unconfirmed[key] = left
            else:
                del self.unconfirmed[key]

    @property
    def has_player(self) -> bool:
        """Whether there ever was a player's report."""
        return bool(self.played or self.unconfirmed)

    @property
    def played_up_to(self) -> int:
        """The newest played time up to which everything is folded; 0: none yet."""
        return max(self.played.values(), default=0)


def _is_covered(sent: tuple[int, ...], folded: tuple[int, ...]) -> bool:
    return all(end <= position for end, position in zip(sent, folded, strict=True))
