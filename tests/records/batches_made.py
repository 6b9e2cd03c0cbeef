"""Record batches as producers make them, and as they should not be."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random
from typing import Any, NamedTuple

import cramjam
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.record.util import calc_crc32c, encode_varint

HEADER = struct.Struct(">qiibIhiqqqhii")
PLAIN, GZIP, SNAPPY, LZ4, ZSTD = range(5)
COMPRESS = {
    GZIP: lambda data: gzip_encode(data, 1),
    SNAPPY: snappy_encode,
    LZ4: lz4_encode,
    ZSTD: zstd_encode,
}
TRANSACTIONAL, CONTROL = 0x10, 0x20
AT_MOST = 100_000


class Made(NamedTuple):
    """One record to put into a batch; names of headers are bytes, as on the wire."""

    key: bytes | None = b"r1"
    value: bytes | None = b"{}"
    headers: Sequence[tuple[bytes, bytes | None]] = ()
    timestamp: int = 1_773_338_700_000


def record_bytes(record: Made, delta: int, first_ms: int) -> bytes:
    """A record of format v2."""
    body = bytearray(b"\0")
    _number(body, record.timestamp - first_ms)
    _number(body, delta)
    _content(body, record.key)
    _content(body, record.value)
    _number(body, len(record.headers))
    for name, content in record.headers:
        _content(body, name)
        _content(body, content)
    whole = bytearray()
    _number(whole, len(body))
    return bytes(whole + body)


def batch(
    records: Sequence[Made],
    base: int = 0,
    codec: int = PLAIN,
    flags: int = 0,
    deltas: Sequence[int] | None = None,
    last_delta: int | None = None,
) -> bytes:
    """A whole batch, its checksum right."""
    places = list(range(len(records)) if deltas is None else deltas)
    first_ms = records[0].timestamp if records else 0
    body = b"".join(record_bytes(record, delta, first_ms) for record, delta in zip(records, places, strict=True))
    return closed(body if codec == PLAIN else COMPRESS[codec](body), records, places, base, codec, flags, last_delta)


def closed(
    body: bytes, records: Sequence[Made], places: Sequence[int], base: int, codec: int, flags: int, last: int | None
) -> bytes:
    """A header with a right checksum around these bytes."""
    times = [record.timestamp for record in records] or [0]
    rest = struct.pack(
        ">hiqqqhii",
        codec | flags,
        (max(places, default=0) if last is None else last),
        times[0],
        max(times),
        -1,
        -1,
        -1,
        len(records),
    )
    covered = rest + body
    return struct.pack(">qiibI", base, 9 + len(covered), 0, 2, calc_crc32c(covered)) + covered


def with_right_checksum(raw: bytes) -> bytes:
    """The same after somebody has changed it."""
    return raw[:17] + struct.pack(">I", calc_crc32c(raw[21:])) + raw[21:]


def _number(out: bytearray, number: int) -> None:
    encode_varint(number, out.append)


def _content(out: bytearray, content: bytes | None) -> None:
    _number(out, -1 if content is None else len(content))
    out += content or b""


# ---- fuzz ------------------------------------------------------------------------------------------------

NAMES = (b"trace", b"", b"\xff", b"a\\b", "Grüße".encode(), b"\xc3", b"groundswell-attempts", b"\x00" * 40, b"\\xff")
CONTENTS = (None, b"", b"7", b"\xff\xfe", b"9" * 400)


def fuzzed(random: Random, values: Sequence[tuple[bytes | None, bytes | None]]) -> tuple[bytes, int]:
    """The bytes of a fetch of one to three batches, and the offset that it was asked from.

    Args:
        values: keys and values to choose from.
    """
    base = random.choice((0, 1, 17, 2**40))
    pieces, end = [], base
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        records = [_fuzzed_record(random, values) for _ in range(random.choice((0, 1, 1, 2, 5, 20)))]
        codec = random.choice((PLAIN, PLAIN, GZIP, SNAPPY, LZ4, ZSTD))
        flags = random.choice((0, 0, 0, 0, TRANSACTIONAL, CONTROL | TRANSACTIONAL))
        deltas = list(range(len(records)))
        if random.random() < 0.05:
            random.shuffle(deltas)
        gap = random.choice((0, 0, 0, 2))
        last = max(deltas, default=0) + gap
        raw = batch(records, end, codec, flags, deltas, last)
        pieces.append(_spoilt(random, raw))
        end += last + 1
    fetched = b"".join(pieces)
    if random.random() < 0.1:
        fetched = fetched[: random.randrange(len(fetched) + 1)]
    return fetched, base + random.choice((0, 0, 0, 1, 3))


def _fuzzed_record(random: Random, values: Sequence[tuple[bytes | None, bytes | None]]) -> Made:
    key, value = random.choice(values)
    if random.random() < 0.05:
        value = None
    headers = [(random.choice(NAMES), random.choice(CONTENTS)) for _ in range(random.choice((0, 0, 1, 3)))]
    time = random.choice((1_773_338_700_000, 1_773_338_700_000, 0, -1, 2**62))
    return Made(key, value, headers, time)


def _spoilt(random: Random, raw: bytes) -> bytes:
    """Most often as it was; else bits are flipped, bytes cut or put in, the checksum made right again or not."""
    if random.random() < 0.5:
        return raw
    changed = bytearray(raw)
    for _ in range(random.choice((1, 1, 2, 8))):
        kind = random.randrange(4)
        place = random.randrange(len(changed))
        if kind == 0:
            changed[place] ^= 1 << random.randrange(8)
        elif kind == 1:
            changed[place] = random.randrange(256)
        elif kind == 2 and len(changed) > 30:
            del changed[place : place + random.randrange(1, 9)]
        else:
            changed[place:place] = random.randbytes(random.randrange(1, 9))
    if len(changed) > 21 and random.random() < 0.8:
        if random.random() < 0.8:  # most changes shall lie behind the length, not in it
            changed[8:12] = struct.pack(">i", len(changed) - 12)
            changed[16] = 2
        return with_right_checksum(bytes(changed))
    return bytes(changed)


def fetches(seed: int, number: int, values: Sequence[tuple[bytes | None, bytes | None]]) -> Iterator[tuple[bytes, int]]:
    """So many fetches drawn from a seed."""
    for example in range(number):
        yield fuzzed(Random(f"{seed}/{example}"), values)


def expands_to(size: int, codec: int, base: int = 0, records: int = 1) -> bytes:
    """A small batch whose records have so many bytes."""
    made = [Made(value=b"x" * (size // records)) for _ in range(records)]
    return batch(made, base, codec)


def snappy_without_frame(data: bytes) -> bytes:
    """As librdkafka writes it."""
    return bytes(cramjam.snappy.compress_raw(data))


def read(fetched: bytes, offset: int) -> list[Any]:
    """What a client is handed out of a fetch, marks included."""
    from streams.kafka.records.batches import RawRecords
    from streams.kafka.records.reading import _Records

    handed = list(islice(_Records(("clicks", 0), RawRecords(fetched), None, offset, None, None, True, 0), AT_MOST))
    assert len(handed) < AT_MOST, "a few bytes became more than a memory may hold"
    return handed
