"""The topics, one list; everything that names a topic takes it from here."""

from __future__ import annotations

from typing import Final

import msgspec

SHARES: Final = "shares"
CLICKS: Final = "clicks"
IMPRESSIONS: Final = "impressions"
DONATIONS: Final = "donations"
SOURCES: Final = (SHARES, CLICKS, IMPRESSIONS, DONATIONS)

HEARTBEATS: Final = "heartbeats"
SLICES: Final = "slices"
CHECKPOINTS: Final = "checkpoints"
CONVERSIONS: Final = "conversions"
STALLS: Final = "stalls"
ANNOTATIONS: Final = "annotations"
DEAD_LETTERS: Final = "dead-letters"
SKIPS: Final = "skips"

# What attribution reads: a partition number of these is one unit of state.
ATTRIBUTION_INPUTS: Final = (*SOURCES, HEARTBEATS)

# What the sink lands in the store.
LANDED: Final = (*SOURCES, CONVERSIONS, DEAD_LETTERS, STALLS, ANNOTATIONS, HEARTBEATS)

FOREVER: Final = -1
HORIZON_DAYS: Final = 14

# A record that is far too large must reach us, so that it becomes a dead letter and not a lost event; its
# dead letter holds it whole in base64 (4/3 of it).
SOURCE_MESSAGE_BYTES: Final = 4 * 1024 * 1024
OWN_MESSAGE_BYTES: Final = 1024 * 1024
DEAD_LETTER_MESSAGE_BYTES: Final = 8 * 1024 * 1024


class Topic(msgspec.Struct, frozen=True):
    """How one topic is kept.

    ``cleanup`` is Kafka's ``cleanup.policy``; ``retention_days`` is in days, ``FOREVER`` for no limit;
    ``max_message_bytes`` is Kafka's ``max.message.bytes``.
    """

    name: str
    cleanup: str
    retention_days: int
    max_message_bytes: int


TOPICS: Final = (
    *(Topic(name, "delete", HORIZON_DAYS, SOURCE_MESSAGE_BYTES) for name in SOURCES),
    Topic(HEARTBEATS, "compact", FOREVER, OWN_MESSAGE_BYTES),
    # A rebuild needs the horizon, and the longest window (as long as the horizon) that reaches back from there.
    Topic(SLICES, "compact,delete", 2 * HORIZON_DAYS + 1, OWN_MESSAGE_BYTES),
    Topic(CHECKPOINTS, "compact,delete", HORIZON_DAYS, OWN_MESSAGE_BYTES),
    Topic(CONVERSIONS, "delete", 7, OWN_MESSAGE_BYTES),
    Topic(STALLS, "compact,delete", HORIZON_DAYS, OWN_MESSAGE_BYTES),
    Topic(ANNOTATIONS, "delete", FOREVER, OWN_MESSAGE_BYTES),
    Topic(DEAD_LETTERS, "delete", 30, DEAD_LETTER_MESSAGE_BYTES),
    Topic(SKIPS, "compact", FOREVER, OWN_MESSAGE_BYTES),
)
