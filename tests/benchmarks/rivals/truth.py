"""What the last values must be: counted from the log itself, all at once, by nobody's fold.

The first share of a referral says whose it is, wherever in the log it lies; so owners are read first, then
everything else is counted once.  A value is [impressions, clicks, donations, cents] of an influencer in a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from schemas.slices import UNATTRIBUTED
from schemas.topics import CLICKS, DONATIONS, IMPRESSIONS, SHARES, SOURCES

Value = list[int]
Values = dict[str, Value]
"""By `influencer|minute`; the minute is the start of it, in minutes since the epoch."""

IMPRESSION, CLICK, DONATION, CENTS = range(4)
SHOWN: Final = 3

Read = Callable[[str], Iterable[bytes]]
"""All values of a topic, each partition in its order."""


class Truth(NamedTuple):
    """`values` without zeros; `accepted` events by topic, copies not counted."""

    values: Values
    accepted: dict[str, int]


def truth_of(read: Read) -> Truth:
    """Count a log."""
    owners: dict[str, str] = {}
    accepted = {}
    seen = set()
    for raw in read(SHARES):
        share = msgspec.json.decode(raw)
        owners.setdefault(share["referral_id"], share["influencer_id"])
        seen.add(share["event_id"])
    accepted[SHARES] = len(seen)
    values: Values = {}
    for topic in SOURCES:
        if topic != SHARES:
            accepted[topic] = _count(topic, read(topic), owners, values)
    return Truth(values, accepted)


def _count(topic: str, raws: Iterable[bytes], owners: Mapping[str, str], values: Values) -> int:
    # Ids are told apart per topic, so only one topic's are held: 120 bytes each, ten million of them in the largest.
    seen: set[str] = set()
    for raw in raws:
        event = msgspec.json.decode(raw)
        if event["event_id"] in seen:
            continue
        seen.add(event["event_id"])
        owner = owners.get(event["referral_id"], UNATTRIBUTED)
        value = values.setdefault(f"{owner}|{minute_of(event['occurred_at'])}", [0, 0, 0, 0])
        if topic == IMPRESSIONS:
            value[IMPRESSION] += event["count"]
        elif topic == CLICKS:
            value[CLICK] += 1
        elif topic == DONATIONS:
            value[DONATION] += 1
            value[CENTS] += int(Decimal(event["amount"]) * 100)
    return len(seen)


_minutes: dict[str, int] = {}


def minute_of(text: str) -> int:
    """Minutes since the epoch of `2026-03-12T18:00:00.000Z`."""
    start = text[:16]
    if start not in _minutes:
        _minutes[start] = int(datetime.fromisoformat(start + "+00:00").timestamp()) // 60
    return _minutes[start]


def differences(expected: Mapping[str, Value], found: Mapping[str, Value]) -> tuple[int, list[str]]:
    """How many keys differ, and the first few in words; a key of zeros is as good as none."""
    number, shown = 0, []
    for key in sorted(expected.keys() | found.keys()):
        right, said = expected.get(key) or [0, 0, 0, 0], found.get(key) or [0, 0, 0, 0]
        if right != said:
            number += 1
            if len(shown) < SHOWN:
                shown.append(f"{key}: {said} where {right} is right")
    return number, shown


def coarser(values: Mapping[str, Value], minutes: int) -> Values:
    """The same in longer stretches, each named by its first minute."""
    sums: Values = {}
    for key, value in values.items():
        who, _, minute = key.rpartition("|")
        into = sums.setdefault(f"{who}|{int(minute) // minutes * minutes}", [0, 0, 0, 0])
        for place, number in enumerate(value):
            into[place] += number
    return sums
