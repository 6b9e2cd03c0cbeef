"""Record batches (Kafka's format v2): their headers read here, their records by the client's own decoder.

The client's decoder stops at a header whose name is no UTF-8, though Kafka's headers are plain bytes; such a batch is
decoded by `streams.kafka.records.raw_records`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Final, NamedTuple

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from streams.kafka.records.expanding import EXPANDED_BYTES, Broken, TooLarge, expanded
from streams.kafka.records.raw_records import plain_records
from streams.kafka.records.standing_in import StandIn

# base offset, length, leader epoch, magic, checksum, attributes, last offset delta, first and largest timestamp,
# producer (id, epoch, sequence), number of records
_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_BEFORE_LENGTH: Final = struct.Struct(">qi")
_ATTRIBUTES_PLACE: Final = 21
_CODEC: Final = 0x07
_CONTROL: Final = 0x20
_MAGIC: Final = 2
_LARGEST_OFFSET: Final = 2**63 - 1


class Damage(Exception):
    """Why these bytes are no records; `last`: the last offset that they would have held, where that is known."""

    def __init__(self, what: str, last: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.last = last


class RecordBatch(NamedTuple):
    """One batch: the offsets `[base, end)` that it spans, and its bytes."""

    base: int
    end: int
    attributes: int
    largest_ms: int
    number: int
    raw: bytes

    @property
    def is_control(self) -> bool:
        """Whether it is a transaction's marker, which no client hands out."""
        return bool(self.attributes & _CONTROL)

    @property
    def likely_last(self) -> int | None:
        """Its last offset where two fields of the header agree on it; for a batch whose checksum is wrong."""
        return self.end - 1 if self.number == self.end - self.base else None


class RawRecords:
    """The bytes of a fetch of one partition, in place of the client's own splitting.

    The client takes a first batch whose length is damaged for one that is too long to be fetched, and steps over it.
    """

    def __init__(self, fetched: bytes | None) -> None:
        self.fetched = bytes(fetched or b"")

    def size_in_bytes(self) -> int:
        return len(self.fetched)

    def has_next(self) -> bool:
        return bool(self.fetched)


def split(fetched: bytes) -> Iterator[RecordBatch]:
    """The batches of a fetch; a broker may cut the last one, unless it is the first.

    Raises:
        Damage: what comes next is no batch, or one of another format.
    """
    place = 0
    while place < len(fetched):
        left = len(fetched) - place
        length = _HEADER.size
        if left >= _BEFORE_LENGTH.size:
            base, rest = _BEFORE_LENGTH.unpack_from(fetched, place)
            length = _BEFORE_LENGTH.size + rest
            if rest < 0 or not 0 <= base <= _LARGEST_OFFSET:
                raise Damage("no record batch begins there")
        if length > left:
            if place == 0:
                raise Damage(f"its batch says that it has {length} bytes, {left} are there")
            return
        yield _batch_of(fetched[place : place + length])
        place += length


def _batch_of(raw: bytes) -> RecordBatch:
    if len(raw) <= 16:
        raise Damage(f"a batch of {len(raw)} bytes")
    if raw[16] != _MAGIC:
        raise Damage(f"a batch of format {raw[16]}, this program reads format {_MAGIC}")
    if len(raw) < _HEADER.size:
        raise Damage(f"a batch of {len(raw)} bytes")
    base, _, _, _, _, attributes, last_delta, _, largest_ms, _, _, _, number = _HEADER.unpack_from(raw)
    if last_delta < 0 or base + last_delta >= _LARGEST_OFFSET:
        raise Damage("a batch that ends before it begins")
    return RecordBatch(base, base + last_delta + 1, attributes, largest_ms, number, raw)


def records_of(batch: RecordBatch, limit: int = EXPANDED_BYTES) -> Iterator[Any]:
    """The records of a batch in the order of their offsets, each within the batch's span.

    Args:
        limit: bytes that it may expand to; beyond it each record is a `StandIn` that says so.

    Raises:
        Damage: they cannot be read, or not from here on.
    """
    if not DefaultRecordBatch(batch.raw).validate_crc():
        raise Damage("its checksum is wrong", batch.likely_last)
    raw, codec = batch.raw, batch.attributes & _CODEC
    if codec:
        try:
            raw = _as_if_never_compressed(raw, expanded(codec, raw[_HEADER.size :], limit))
        except Broken as broken:
            raise Damage(str(broken), batch.end - 1) from broken
        except TooLarge:
            if batch.likely_last is None:  # and nobody has seen how many there are
                raise Damage("its header does not say how many records it has", batch.end - 1) from None
            yield from (StandIn.too_large(offset, batch.largest_ms, limit) for offset in range(batch.base, batch.end))
            return
    following, end = batch.base, batch.end
    try:
        try:
            for record in DefaultRecordBatch(raw):
                offset = record.offset
                if offset < following or offset >= end:
                    raise Damage("its records are out of order", end - 1)
                following = offset + 1
                yield record
        except UnicodeDecodeError:
            for record in islice(plain_records(raw, _HEADER.size), _readable(raw), None):
                if record.offset < following or record.offset >= end:
                    raise Damage("its records are out of order", end - 1) from None
                following = record.offset + 1
                yield record
    except (CorruptRecordException, ValueError, IndexError, OverflowError) as error:
        raise Damage("its records are not in Kafka's format", end - 1) from error


def _readable(raw: bytes) -> int:
    """How many records come before the first one that the client's decoder cannot read."""
    number = 0
    with suppress(UnicodeDecodeError):
        for _ in DefaultRecordBatch(raw):
            number += 1
    return number


def _as_if_never_compressed(raw: bytes, records: bytes) -> bytes:
    attributes = int.from_bytes(raw[_ATTRIBUTES_PLACE : _ATTRIBUTES_PLACE + 2]) & ~_CODEC
    return b"".join(
        (raw[:_ATTRIBUTES_PLACE], attributes.to_bytes(2), raw[_ATTRIBUTES_PLACE + 2 : _HEADER.size], records)
    )
