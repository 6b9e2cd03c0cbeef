"""Compressed records made whole again, never more of them than allowed.

A batch of 255 kB can hold 250 MB of JSON.  So nothing is expanded without a limit, and nobody believes a length that
the data itself claims.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import cramjam
import numpy as np

MIB: Final = 1024 * 1024
# What a broker takes of uncompressed records, eight times over; a client's own bounds (batch.size, max.request.size)
# are far below it.  Eight batches may wait in a worker's queue.
EXPANDED_BYTES: Final = 32 * MIB

_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES: Final = 16
_XERIAL_LENGTH: Final = struct.Struct(">i")
_SNAPPY_AT_MOST: Final = 22  # three bytes copy 64
# cramjam's words where the output did not fit; its version is locked, and a test holds the words.
_DID_NOT_FIT: Final = "failed to write whole buffer"


class TooLarge(Exception):
    """It expands to more bytes than allowed."""


class Broken(Exception):
    """It is not what its codec writes; in words."""


def expanded(codec: int, data: bytes, limit: int = EXPANDED_BYTES) -> bytes:
    """The bytes that were compressed.

    Args:
        codec: Kafka's number of it, 1 to 4.
        limit: in bytes.

    Raises:
        TooLarge: there are more.
        Broken: there are none.
    """
    if codec not in _EXPAND:
        raise Broken(f"compressed in an unknown way ({codec})")
    name, expand = _EXPAND[codec]
    try:
        return expand(data, limit)
    except (zlib.error, cramjam.DecompressionError, struct.error) as error:
        raise Broken(f"{name} cannot expand it") from error


def _gunzip(data: bytes, limit: int) -> bytes:
    out = bytearray()
    while data:
        stream = zlib.decompressobj(_GZIP_WINDOW)
        out += stream.decompress(data, limit + 1 - len(out))
        if len(out) > limit:
            raise TooLarge
        if not stream.eof:
            raise Broken("gzip cannot expand it: it is cut")
        # Zeros may follow a member, as a tape has them.
        data = stream.unused_data.lstrip(b"\0")
    return bytes(out)


def _unsnap(data: bytes, limit: int) -> bytes:
    blocks = list(_xerial_blocks(data)) if data.startswith(_XERIAL) else [data]
    claimed = sum(map(cramjam.snappy.decompress_raw_len, blocks))
    if claimed > _SNAPPY_AT_MOST * len(data):
        raise Broken("snappy cannot expand it: it claims more than there can be")
    if claimed > limit:
        raise TooLarge
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _xerial_blocks(data: bytes) -> Iterator[bytes]:
    place = _XERIAL_HEADER_BYTES
    while place < len(data):
        (length,) = _XERIAL_LENGTH.unpack_from(data, place)
        place += _XERIAL_LENGTH.size
        if not 0 <= length <= len(data) - place:
            raise Broken("snappy cannot expand it: it is cut")
        yield data[place : place + length]
        place += length


def _into(decompress_into: Callable[[Any, Any], int]) -> Callable[[bytes, int], bytes]:
    def expand(data: bytes, limit: int) -> bytes:
        # Pages of it that are not written to cost nothing.
        out = np.empty(limit, np.uint8)
        try:
            length = decompress_into(data, out)
        except cramjam.DecompressionError as error:
            if _DID_NOT_FIT in str(error):
                raise TooLarge from error
            raise
        return out[:length].tobytes()

    return expand


_EXPAND: Final[dict[int, tuple[str, Callable[[bytes, int], bytes]]]] = {
    1: ("gzip", _gunzip),
    2: ("snappy", _unsnap),
    3: ("lz4", _into(cramjam.lz4.decompress_into)),
    4: ("zstd", _into(cramjam.zstd.decompress_into)),
}
