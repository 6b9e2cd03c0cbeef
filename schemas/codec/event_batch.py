"""What the codec says of records: of one, and of a batch by columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from schemas.codec.rejections import Rejection
from schemas.codec.vectorized import Hashes, Integers
from schemas.events import Event

DecodeResult = tuple[Event, int] | Rejection  # the event and its `occurred_at` in epoch milliseconds, or why it is none


class Accepted(NamedTuple):
    """One event that was accepted: where it stood in its batch, and its times in epoch milliseconds."""

    place: int
    event: Event
    occurred_ms: int
    record_ms: int


class Record(Protocol):
    """What is asked of a Kafka record."""

    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def headers(self) -> Iterable[tuple[str, bytes]]: ...


@dataclass(frozen=True)
class EventBatch:
    """Events of one topic and partition in the order of the log, and their numbers, one an event.

    Attributes:
        events: of the topic's struct.
        campaigns: the campaign of each.
        keys: the record's key as text: the referral, or the campaign of a direct gift.
        places: where each stood in its batch, from 0.
        occurred_ms, record_ms: time of the event and of its record, epoch milliseconds.
        id_halves: the 128 bits of `event_id`, shape (n, 2).
        referral_hashes: a 63-bit hash of the referral, of nothing where there is none.
    """

    events: Sequence[Any]
    campaigns: Sequence[str]
    keys: Sequence[str]
    places: Integers
    occurred_ms: Integers
    record_ms: Integers
    id_halves: Hashes
    referral_hashes: Integers

    def __len__(self) -> int:
        return len(self.events)

    def take(self, chosen: Integers) -> EventBatch:
        """The events at these positions, in this order."""
        positions = chosen.tolist()
        return EventBatch(
            list(map(self.events.__getitem__, positions)),
            list(map(self.campaigns.__getitem__, positions)),
            list(map(self.keys.__getitem__, positions)),
            self.places[chosen],
            self.occurred_ms[chosen],
            self.record_ms[chosen],
            self.id_halves[chosen],
            self.referral_hashes[chosen],
        )

    def merged(self, others: EventBatch) -> EventBatch:
        """These and others of the same batch, in the order of the log."""
        if not len(others):
            return self
        both = EventBatch(
            [*self.events, *others.events],
            [*self.campaigns, *others.campaigns],
            [*self.keys, *others.keys],
            np.concatenate((self.places, others.places)),
            np.concatenate((self.occurred_ms, others.occurred_ms)),
            np.concatenate((self.record_ms, others.record_ms)),
            np.concatenate((self.id_halves, others.id_halves)),
            np.concatenate((self.referral_hashes, others.referral_hashes)),
        )
        return both.take(np.argsort(both.places))

    def by_campaign(self) -> list[tuple[str, EventBatch]]:
        """The events of each campaign; nearly always there is one."""
        names = sorted(set(self.campaigns))
        if len(names) <= 1:
            return [(name, self) for name in names]
        campaigns = np.array(self.campaigns)
        return [(name, self.take(np.flatnonzero(campaigns == name))) for name in names]


@dataclass(frozen=True)
class BatchResult:
    """A batch: what was accepted, and why the rest was not, by place in the batch."""

    accepted: EventBatch
    rejections: list[tuple[int, Rejection]]
