"""Messages that cannot be processed, by their own fault: one or more for each reason of the contract.

`referral_taken` is not among them, because no message is that by itself (see `claims`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from schemas.partitioning import partition_of
from schemas.reasons import Reason
from schemas.times import rfc3339
from schemas.topics import CLICKS, DONATIONS, IMPRESSIONS, SHARES
from streams.producers.door.calendar import CAMPAIGN_ID, DAY, HOUR, START_MS
from streams.producers.door.rng import Rng
from streams.producers.outgoing import Outgoing

KEY: Final = "door-0001"

Fields = dict[str, Any]
Breakage = tuple[Reason, str, Callable[[Fields], Fields]]


def _with(**changes: object) -> Callable[[Fields], Fields]:
    return lambda fields: {**fields, **changes}


def _without(name: str) -> Callable[[Fields], Fields]:
    return lambda fields: {field: value for field, value in fields.items() if field != name}


# What a producer gets wrong in a message's fields; every other field of it is right.
BREAKAGES: Final[tuple[Breakage, ...]] = (
    (Reason.MISSING_FIELD, DONATIONS, _without("amount")),
    (Reason.MISSING_FIELD, CLICKS, _without("event_id")),
    (Reason.WRONG_TYPE, DONATIONS, _with(amount=25.0)),
    (Reason.WRONG_TYPE, CLICKS, _with(occurred_at=START_MS)),
    (Reason.UNKNOWN_VALUE, DONATIONS, _with(kind="pledge")),
    (Reason.UNKNOWN_VALUE, IMPRESSIONS, _with(basis="guessed")),
    (Reason.OUT_OF_RANGE, IMPRESSIONS, _with(count=0)),
    (Reason.OUT_OF_RANGE, SHARES, _with(audience=-1)),
    (Reason.UNSUPPORTED_VERSION, CLICKS, _with(schema_version=900)),
    (Reason.BAD_ID, CLICKS, _with(event_id="42")),
    (Reason.BAD_ID, SHARES, _with(influencer_id="a name with spaces")),
    (Reason.BAD_TIME, CLICKS, _with(occurred_at="58862-04-17T03:20:00.000Z")),  # milliseconds read as seconds
    (Reason.BAD_TIME, CLICKS, _with(occurred_at="2026-03-12T20:00:00")),  # no offset
    (Reason.BAD_TIME, DONATIONS, _with(occurred_at=rfc3339(START_MS + 6 * DAY))),  # a clock days ahead
    (Reason.BEYOND_HORIZON, CLICKS, _with(occurred_at=rfc3339(START_MS - 20 * DAY))),
    (Reason.UNKNOWN_CAMPAIGN, CLICKS, _with(campaign_id="dor")),
    (Reason.BAD_MONEY, DONATIONS, _with(amount="-25.00")),
    (Reason.BAD_MONEY, DONATIONS, _with(amount="25.005")),
    (Reason.BAD_MONEY, DONATIONS, _with(amount="0.00")),
    (Reason.UNKNOWN_CURRENCY, DONATIONS, _with(currency="BTC")),
)


def malformed(rng: Rng, partitions: int) -> Iterator[tuple[Reason, Outgoing]]:
    """All of them with the reason that each must be refused for, at fixed hours of the 48.

    Args:
        partitions: of the source topics; with one there is no wrong partition, and that message is left out.
    """
    wrong = [*_broken_fields(rng), *_broken_bytes(rng), *_broken_places(rng, partitions)]
    for number, (reason, record) in enumerate(wrong):
        at_ms = START_MS + HOUR + number * 90 * 60_000 + rng.whole(0, 59_999)
        yield reason, record._replace(record_time_ms=at_ms)


def _broken_fields(rng: Rng) -> Iterator[tuple[Reason, Outgoing]]:
    for reason, topic, breakage in BREAKAGES:
        yield reason, _record(topic, msgspec.json.encode(breakage(_fields(rng, topic))))


def _broken_bytes(rng: Rng) -> Iterator[tuple[Reason, Outgoing]]:
    whole = msgspec.json.encode(_fields(rng, CLICKS))
    padding = "x" * (70 * 1024 - len(whole))
    yield Reason.EMPTY_MESSAGE, _record(CLICKS, b"")
    yield Reason.BAD_JSON, _record(CLICKS, b"click;door-0001;2026-03-12")
    yield Reason.BAD_JSON, _record(DONATIONS, msgspec.json.encode(_fields(rng, DONATIONS))[:-20])
    yield Reason.BAD_JSON, _record(SHARES, b'{"event_id":"\xff\xfe"}')
    yield Reason.NOT_AN_OBJECT, _record(IMPRESSIONS, b"[1,2,3]")
    yield Reason.TOO_LARGE, _record(CLICKS, msgspec.json.encode({**_fields(rng, CLICKS), "note": padding}))


def _broken_places(rng: Rng, partitions: int) -> Iterator[tuple[Reason, Outgoing]]:
    """Good messages under a wrong key, under an empty one, and in a partition that is not their key's."""
    click = msgspec.json.encode(_fields(rng, CLICKS))
    yield Reason.KEY_MISMATCH, _record(CLICKS, click)._replace(key=b"door-0002")
    yield Reason.KEY_MISMATCH, _record(CLICKS, click)._replace(key=b"", partition=0)
    if partitions > 1:
        elsewhere = (partition_of(KEY.encode(), partitions) + 1) % partitions
        yield Reason.WRONG_PARTITION, _record(CLICKS, click)._replace(partition=elsewhere)


def _record(topic: str, value: bytes) -> Outgoing:
    return Outgoing(topic, None, KEY.encode(), value, 0)


def _fields(rng: Rng, topic: str) -> Fields:
    """An event that would be accepted."""
    envelope = {
        "event_id": rng.uuid(),
        "campaign_id": CAMPAIGN_ID,
        "referral_id": KEY,
        "occurred_at": rfc3339(START_MS + HOUR),
        "schema_version": 1,
    }
    own: dict[str, Fields] = {
        SHARES: {
            "influencer_id": "author",
            "channel": "blog",
            "kind": "own_post",
            "audience": 2_140,
            "tie": "strong",
        },
        CLICKS: {},
        IMPRESSIONS: {"count": 12, "basis": "measured"},
        DONATIONS: {
            "donation_id": "gift-wrong",
            "kind": "donation",
            "amount": "25.00",
            "currency": "USD",
            "tie": "weak",
        },
    }
    return {**envelope, **own[topic]}
