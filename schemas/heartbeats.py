"""A heartbeat: a feed was alive, whether or not it had events."""

from __future__ import annotations

import re
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct

from schemas.events import ID_IN_WORDS, ID_PATTERN, Id, Time
from schemas.times import DAY_MS, YEAR_2000_MS, YEAR_2100_MS, parse_ms
from schemas.topics import SOURCES

FEED_PATTERN: Final = rf"^({'|'.join(SOURCES)}|player)/[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}$"
FEED_IN_WORDS: Final = f"TOPIC/NAME, TOPIC one of {', '.join(SOURCES)}, NAME 1 to 64 of A-Z a-z 0-9 . _ -"
PLAYER: Final = "player/"
LAST_OFFSET: Final = 2**63 - 1

Feed = Annotated[
    str, Meta(description=FEED_IN_WORDS, extra_json_schema={"pattern": FEED_PATTERN}, examples=["donations/stripe"])
]
Offset = Annotated[int, Meta(ge=0, le=LAST_OFFSET)]

_is_feed = re.compile(FEED_PATTERN).fullmatch
_is_id = re.compile(ID_PATTERN).fullmatch


class Heartbeat(Struct, frozen=True):
    """`feed` had sent everything that happened before `at`.

    `campaign_id`: the one campaign it feeds; None: every campaign.  `sent` is for a player of history alone: by source
    topic, the end of its log in the heartbeat's partition when everything with a record time before `at` was in it.
    """

    feed: Feed
    at: Time
    campaign_id: Id | None = None
    sent: dict[str, Offset] = {}


class CheckedHeartbeat(NamedTuple):
    """A heartbeat that is as the contract says; `at_ms` is in epoch milliseconds."""

    feed: str
    campaign_id: str | None
    at_ms: int
    sent: dict[str, int]

    @property
    def is_player(self) -> bool:
        """Whether a player of history says this, and no feed of a source topic."""
        return self.feed.startswith(PLAYER)


_decoder = msgspec.json.Decoder(Heartbeat)
_encoder = msgspec.json.Encoder()


def encode(heartbeat: Heartbeat) -> bytes:
    return _encoder.encode(heartbeat)


def decode(value: bytes) -> Heartbeat:
    """A record of the topic `heartbeats`.

    Raises:
        ValueError: it is none.
    """
    return _decoder.decode(value)


def check(value: bytes | None, record_time_ms: int) -> CheckedHeartbeat:
    """A record of the topic `heartbeats` by everything that the contract asks.

    Args:
        record_time_ms: the record's own timestamp, epoch milliseconds.

    Raises:
        ValueError: it is none, in words; nobody may act on it.
    """
    try:
        heartbeat = _decoder.decode(value or b"")
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not is_feed(heartbeat.feed):
        raise ValueError(f"`feed` is not {FEED_IN_WORDS}")
    if heartbeat.campaign_id is not None and _is_id(heartbeat.campaign_id) is None:
        raise ValueError(f"`campaign_id` is not {ID_IN_WORDS}")
    at_ms = parse_ms(heartbeat.at)
    # One of the year 58862 would close every window for ever.
    if not (YEAR_2000_MS <= at_ms < YEAR_2100_MS and YEAR_2000_MS <= record_time_ms < YEAR_2100_MS):
        raise ValueError("`at` and the record's time must be in the years 2000 to 2099")
    if at_ms > record_time_ms + DAY_MS:
        raise ValueError("`at` is more than a day after the record's own time")
    return CheckedHeartbeat(heartbeat.feed, heartbeat.campaign_id, at_ms, heartbeat.sent)


def is_feed(name: str) -> bool:
    return _is_feed(name) is not None


def heartbeat_key(heartbeat: Heartbeat) -> bytes:
    """Compaction keeps the newest heartbeat of a key: that of each feed of each campaign."""
    return f"{heartbeat.feed}@{heartbeat.campaign_id or ''}".encode()
