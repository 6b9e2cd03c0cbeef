"""What the stall detector says of an entity: its state, the sentence for people, and its own numbers.

Field names are ClickHouse's column names, so the sink passes the bytes through; `watch` is no column.  The numbers
travel with what was said, so a restart goes on from them and says nothing differently.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from schemas.versions import refuse_other_schema

STALLS_SCHEMA: Final = 1

State = Literal["not_started", "ok", "slow", "stalled", "no_traffic", "feed_down", "tail"]


class Stall(Struct, frozen=True):
    """One entity at the end of one minute.

    `minute` is the end of the minute reached, `since` the end of the minute at which `state` began; both RFC 3339.
    `changed` is 1 where `state` is another one than a minute before.  `exposure` names the count that donations are
    held against.  `exposures_since`, `minutes_since` and `last_donation_at` count from the last donation (since the
    beginning, and null, before the first).  `expected` donations would have come at the `usual_rate` (donations per
    exposure) in the stretch under suspicion, `observed` have; `chance` is that of so few by luck.
    `exposures_to_confirm`: how many more without a donation would confirm a complete stop; null where that says
    nothing.  `level` is a likelihood ratio, `red` and `amber` what it must reach.  `silent_feeds` and `unheard` are
    feeds that stopped sending heartbeats, and topics for which none ever came.
    """

    schema: int
    campaign_id: str
    dimension: str
    member: str
    minute: str
    state: State
    since: str
    changed: int
    sentence: str
    next_step: str
    exposure: str
    exposures_since: int
    minutes_since: int | None
    last_donation_at: str | None
    observed: float
    expected: float
    chance: float | None
    usual_rate: float | None
    level: float
    red: float
    amber: float
    exposures_to_confirm: int | None
    silent_feeds: list[str]
    unheard: list[str]
    incarnation: str
    version: int
    computed_at: str
    watch: dict[str, Any]


_decoder = msgspec.json.Decoder(Stall)
_encoder = msgspec.json.Encoder()


def encode(stall: Stall) -> bytes:
    return _encoder.encode(stall)


def decode(value: bytes) -> Stall:
    """A record of the topic `stalls`.

    Raises:
        ValueError: it is none, or one of another schema.
    """
    stall = _decoder.decode(value)
    refuse_other_schema(stall.schema, STALLS_SCHEMA)
    return stall


def stall_key(stall: Stall) -> bytes:
    """Of what goes on, compaction keeps the newest minute; changes are history and all of them are kept."""
    entity = f"{stall.campaign_id}|{stall.dimension}|{stall.member}"
    minute = f"|{stall.minute}" if stall.changed else ""
    return f"{entity}|{stall.incarnation}{minute}".encode()
