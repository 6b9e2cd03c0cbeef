"""Records of a batch decoded here, for the few whose headers the client's decoder cannot read.

The name of a header is text in UTF-8 by Kafka's contract and any bytes in its clients.  What is no UTF-8 becomes
surrogates (Python's `surrogateescape`), so that two names are never one and the bytes can be had back.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from aiokafka.record.util import decode_varint

_ATTRIBUTES: Final = struct.Struct(">h")
_TIMES: Final = struct.Struct(">qq")
_NUMBER: Final = struct.Struct(">i")
_LOG_APPEND_TIME: Final = 0x08


class PlainRecord(NamedTuple):
    """The fields that are asked of the client's own records."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class _Cursor:
    """Reads the fields of records one after the other."""

    def __init__(self, data: bytes, place: int) -> None:
        self.data = data
        self.place = place

    def number(self) -> int:
        value, self.place = decode_varint(self.data, self.place)
        return int(value)

    def content(self) -> bytes | None:
        length = self.number()
        if length < 0:
            return None
        begin, self.place = self.place, self.place + length
        if self.place > len(self.data):
            raise ValueError("a field that ends after its batch")
        return self.data[begin : self.place]

    def header(self) -> tuple[str, bytes | None]:
        name = self.content()
        if name is None:
            raise ValueError("a header without a name")
        return name.decode("utf-8", "surrogateescape"), self.content()


def plain_records(batch: bytes, first_record: int) -> Iterator[PlainRecord]:
    """The records of a batch that is not compressed.

    Args:
        first_record: where they begin.

    Raises:
        ValueError, IndexError: they are not in Kafka's format.
    """
    (base,) = struct.unpack_from(">q", batch)
    (attributes,) = _ATTRIBUTES.unpack_from(batch, 21)
    first_ms, largest_ms = _TIMES.unpack_from(batch, 27)
    (number,) = _NUMBER.unpack_from(batch, first_record - _NUMBER.size)
    by_broker = bool(attributes & _LOG_APPEND_TIME)
    cursor = _Cursor(batch, first_record)
    for _ in range(number):
        length = cursor.number()
        begin = cursor.place
        cursor.number()  # attributes, of which there are none yet
        sent_ms = first_ms + cursor.number()
        offset = base + cursor.number()
        key, value = cursor.content(), cursor.content()
        headers = cursor.number()
        if headers < 0:
            raise ValueError("fewer than no headers")
        named = [cursor.header() for _ in range(headers)]
        if cursor.place - begin != length:
            raise ValueError("a record that is longer or shorter than it says")
        yield PlainRecord(offset, largest_ms if by_broker else sent_ms, int(by_broker), key, value, named)
    if cursor.place != len(batch):
        raise ValueError("something behind the last record")
