"""SipHash-1-3 of many short messages at once: 64 bits that nobody can steer who does not know the key.

J.-P. Aumasson, D. J. Bernstein: SipHash, a fast short-input PRF (INDOCRYPT 2012); one round a word and three at the end
is what Rust's and Python's own tables take against made collisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from schemas.codec.vectorized import Hashes

Key = tuple[int, int]

_BEGIN: Final = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_END: Final = np.uint64(0xFF)
_END_ROUNDS: Final = 3
_BITS: Final = {turn: (np.uint64(turn), np.uint64(64 - turn)) for turn in (13, 16, 17, 21, 32)}


def siphash(key: Key, words: Sequence[Hashes]) -> Hashes:
    """The hash of each row of these columns, which are the 64-bit words of its message."""
    state = [np.full(len(words[0]), key[place % 2] ^ begin, np.uint64) for place, begin in enumerate(_BEGIN)]
    spare = np.empty(len(words[0]), np.uint64)
    length = np.full(len(words[0]), (8 * len(words) & 0xFF) << 56, np.uint64)
    for word in (*words, length):
        state[3] ^= word
        _round(state, spare)
        state[0] ^= word
    state[2] ^= _END
    for _ in range(_END_ROUNDS):
        _round(state, spare)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _round(state: list[Hashes], spare: Hashes) -> None:
    a, b, c, d = state
    a += b
    _turn(b, 13, spare)
    b ^= a
    _turn(a, 32, spare)
    c += d
    _turn(d, 16, spare)
    d ^= c
    a += d
    _turn(d, 21, spare)
    d ^= a
    c += b
    _turn(b, 17, spare)
    b ^= c
    _turn(c, 32, spare)


def _turn(word: Hashes, by: int, spare: Hashes) -> None:
    """Rotate to the left, in place."""
    left, right = _BITS[by]
    np.right_shift(word, right, out=spare)
    word <<= left
    word |= spare
