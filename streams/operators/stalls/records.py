"""Records of the topic `stalls`: a detector's state with its sentence for people, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas.campaign import Campaign
from schemas.slices import Entity
from schemas.stalls import STALLS_SCHEMA, Stall
from schemas.times import parse_ms, rfc3339
from streams.operators.stalls.messages import statement_of
from streams.operators.stalls.state_machine import Watch


@dataclass
class Watched:
    """One entity under watch; times are ends of minutes, epoch seconds.

    `published`: the last minute that was published.  `accepted`: the newest acceptance that was applied.
    """

    watch: Watch
    minute: int
    published: int = 0
    accepted: int = 0


class _Numbers(msgspec.Struct):
    watch: dict[str, Any]
    accepted: int


@dataclass(frozen=True)
class StallWriter:
    """Makes the records of one campaign in one flush.

    `version` is the position in the partition of `slices`; `computed_at` is processing time.
    """

    campaign: Campaign
    incarnation: str
    version: int
    computed_at: str

    def stall(self, entity: Entity, watched: Watched, *, changed: bool, above: Watch | None) -> Stall:
        """The record of an entity at the minute it has reached.

        Args:
            above: for an influencer the campaign's watch.
        """
        statement = statement_of(watched.watch, self.campaign, above)
        times = {
            "since": _moment(statement.since),
            "last_donation_at": None if statement.last_donation_at is None else _moment(statement.last_donation_at),
        }
        numbers = _Numbers(watched.watch.numbers(), watched.accepted)
        return Stall(
            schema=STALLS_SCHEMA,
            campaign_id=entity.campaign_id,
            dimension=entity.dimension,
            member=entity.member,
            minute=_moment(watched.minute),
            changed=int(changed),
            incarnation=self.incarnation,
            version=self.version,
            computed_at=self.computed_at,
            watch=msgspec.to_builtins(numbers),
            **{**statement._asdict(), **times},
        )


def with_roster(stall: Stall, roll: Mapping[str, int]) -> Stall:
    """A campaign's record with the roster of the partition, see `Detectors.roster`."""
    return msgspec.structs.replace(stall, watch={**stall.watch, "roll": dict(roll)})


def roster_of(stall: Stall) -> dict[str, int]:
    """The roster that a record carries; empty where it carries none."""
    try:
        return msgspec.convert(stall.watch.get("roll", {}), dict[str, int])
    except msgspec.ValidationError:
        return {}


def watched_of(stall: Stall) -> Watched:
    """The watch that a record was made from, to the last bit.

    A record whose numbers are of another version of the program gives a watch that begins anew after its minute.
    """
    minute = parse_ms(stall.minute) // 1000
    try:
        numbers = msgspec.convert(stall.watch, _Numbers)
        watch = Watch.restore(numbers.watch)
    except (TypeError, KeyError, ValueError):
        return Watched(Watch(), minute, published=minute)
    return Watched(watch, minute, published=minute, accepted=numbers.accepted)


def _moment(second: int) -> str:
    return rfc3339(second * 1000)
