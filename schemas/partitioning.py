"""Where a key belongs: Kafka's own murmur2 partitioner, the only one that is accepted.

All events of a referral must meet in one partition number.  Clients differ in their default partitioner
(librdkafka: CRC32), and a producer that uses another one would make orphans of everything it sends, silently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_MASK = 0xFFFFFFFF
_MULTIPLIER = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2 (org.apache.kafka.common.utils.Utils.murmur2), as an unsigned number."""
    length = len(data)
    state = (0x9747B28C ^ length) & _MASK
    whole = length & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little")
        word = (word * _MULTIPLIER) & _MASK
        word ^= word >> 24
        word = (word * _MULTIPLIER) & _MASK
        state = ((state * _MULTIPLIER) & _MASK) ^ word
    if whole != length:
        state ^= int.from_bytes(data[whole:], "little")
        state = (state * _MULTIPLIER) & _MASK
    state ^= state >> 13
    state = (state * _MULTIPLIER) & _MASK
    return state ^ (state >> 15)


def murmur2_of_all(keys: Sequence[bytes]) -> NDArray[np.uint32]:
    """The same of many keys, those of one length at a time."""
    hashes = np.zeros(len(keys), np.uint32)
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        by_length[len(key)].append(position)
    for length, positions in by_length.items():
        characters = np.frombuffer(b"".join(keys[position] for position in positions), np.uint8)
        hashes[positions] = _murmur2_of_square(characters.reshape(len(positions), length))
    return hashes


def _murmur2_of_square(characters: NDArray[np.uint8]) -> NDArray[np.uint32]:
    number, length = characters.shape
    multiplier, shift = np.uint32(_MULTIPLIER), np.uint32(24)
    state = np.full(number, (0x9747B28C ^ length) & _MASK, np.uint32)
    whole = length & ~3
    words = np.ascontiguousarray(characters[:, :whole]).view("<u4")
    for column in range(whole // 4):
        word = words[:, column] * multiplier
        word ^= word >> shift
        state = (state * multiplier) ^ (word * multiplier)
    if whole != length:
        for place in range(whole, length):
            state ^= characters[:, place].astype(np.uint32) << np.uint32(8 * (place - whole))
        state *= multiplier
    state ^= state >> np.uint32(13)
    state *= multiplier
    return state ^ (state >> np.uint32(15))


def partitions_of(keys: Sequence[bytes], partitions: int) -> NDArray[np.uint32]:
    """The partition of each of many keys, looked at together: a twentieth of the time that `partition_of` takes."""
    return (murmur2_of_all(keys) & np.uint32(0x7FFFFFFF)) % np.uint32(partitions)


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition, from 0, of a key in a topic of that many partitions."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
