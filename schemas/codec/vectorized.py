"""Columns of text as columns of numbers: a whole batch is looked at in as many steps as one value.

Every function takes texts of any length and any characters and says of each whether it has the one form that nearly all
have.  A text that has another form is not thereby wrong: whoever asks must look at it by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.events import ID_PATTERN
from schemas.times import DAY_MS, LAST_MS, MINUTE_MS, TIME_FORM

Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Bytes = NDArray[np.uint8]

_UUID_LENGTH: Final = 36
_HYPHENS: Final = [8, 13, 18, 23]
_DIGITS_OF_UUID: Final = [place for place in range(_UUID_LENGTH) if place not in _HYPHENS]
_NO_DIGIT: Final = 0x80
_ANY_NO_DIGIT: Final = np.uint64(0x8080808080808080)

_DIGITS_OF_TIME: Final = [place for place, character in enumerate(TIME_FORM) if character == "0"]
_MARKS_OF_TIME: Final = [place for place, character in enumerate(TIME_FORM) if character != "0"]
_MARKS: Final = np.array([ord(TIME_FORM[place]) for place in _MARKS_OF_TIME], np.uint8)
_FIRST_YEAR, _YEARS = 2000, 100

_FIRST_OF_ID: Final = 1
_LATER_OF_ID: Final = 2
_LONGEST_ID: Final = 128


def _hexadecimal() -> Bytes:
    table = np.full(256, _NO_DIGIT, np.uint8)
    for value, character in enumerate("0123456789abcdef"):
        table[ord(character)] = table[ord(character.upper())] = value
    return table


def _id_characters() -> Bytes:
    """Of each character, as bits, where in an id it may stand."""
    table = np.zeros(256, np.uint8)
    alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    for character in alphanumeric:
        table[ord(character)] = _FIRST_OF_ID | _LATER_OF_ID
    for character in "._:@/+=-":
        table[ord(character)] = _LATER_OF_ID
    return table


def _months() -> tuple[Integers, Integers]:
    """Of every month from January 2000: its first day, counted from 1970, and its number of days."""
    firsts = [date(_FIRST_YEAR + month // 12, month % 12 + 1, 1).toordinal() for month in range(12 * _YEARS)]
    firsts.append(date(_FIRST_YEAR + _YEARS, 1, 1).toordinal())
    days = np.array(firsts, np.int64) - date(1970, 1, 1).toordinal()
    return days[:-1], np.diff(days)


_HEXADECIMAL: Final = _hexadecimal()
_ID_CHARACTERS: Final = _id_characters()
_FIRST_DAY, _DAYS = _months()
assert ID_PATTERN == r"^[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}$", "the table of characters above says the same"


def uuids(texts: Sequence[str]) -> tuple[Bools, Hashes]:
    """Which are UUIDs, and their 128 bits as two numbers each, shape (n, 2); upper and lower case are one."""
    characters = _square(texts, _UUID_LENGTH)
    digits = _HEXADECIMAL[characters.take(_DIGITS_OF_UUID, axis=1)]
    hyphens = characters[:, _HYPHENS] == ord("-")
    plain = hyphens.all(axis=1) & ~(digits.view(np.uint64) & _ANY_NO_DIGIT).any(axis=1)
    halves = np.ascontiguousarray((digits[:, 0::2] << 4) | digits[:, 1::2]).view("<u8")
    return plain, halves


def times_ms(texts: Sequence[str]) -> tuple[Bools, Integers]:
    """Which are times of the form 2026-03-12T18:00:00.000Z of the years 2000 to 2099, and their epoch milliseconds."""
    characters = _square(texts, len(TIME_FORM))
    digits = (characters[:, _DIGITS_OF_TIME] - np.uint8(ord("0"))).astype(np.int64)
    year = digits[:, 0] * 1000 + digits[:, 1] * 100 + digits[:, 2] * 10 + digits[:, 3] - _FIRST_YEAR
    month, day, hour, minute, second = (digits[:, place] * 10 + digits[:, place + 1] for place in (4, 6, 8, 10, 12))
    millisecond = digits[:, 14] * 100 + digits[:, 15] * 10 + digits[:, 16]
    plain = (
        (digits.max(axis=1) <= 9)
        & (characters[:, _MARKS_OF_TIME] == _MARKS).all(axis=1)
        & (year >= 0)
        & (year < _YEARS)
        & (month >= 1)
        & (month <= 12)
        & (day >= 1)
        & (hour < 24)
        & (minute < 60)
        & (second < 60)
    )
    months = np.where(plain, year * 12 + month - 1, 0)
    plain &= day <= _DAYS[months]
    days = _FIRST_DAY[months] + day - 1
    return plain, days * DAY_MS + (hour * 60 + minute) * MINUTE_MS + second * 1000 + millisecond


def rfc3339_of(ms: Integers) -> list[str]:
    """`rfc3339` of each of these epoch milliseconds, in a quarter of the time."""
    moments = ms.clip(0, LAST_MS).astype("M8[ms]")
    texts: list[str] = np.datetime_as_string(moments, unit="ms", timezone="UTC").tolist()
    return texts


def ids(texts: Sequence[str]) -> Bools:
    """Which are ids as `schemas.events.ID_PATTERN` has them."""
    lengths = np.array(list(map(len, texts)), np.int64)
    if not lengths.all():
        return np.zeros(len(texts), np.bool_)
    kinds = _ID_CHARACTERS[np.frombuffer("".join(texts).encode("ascii", "replace"), np.uint8)]
    begins = np.cumsum(lengths) - lengths
    good: Bools = np.bitwise_and.reduceat(kinds, begins) & _LATER_OF_ID != 0
    good &= (kinds[begins] & _FIRST_OF_ID != 0) & (lengths <= _LONGEST_ID)
    return good


def _square(texts: Sequence[str], width: int) -> Bytes:
    """The characters, shape (n, width); what has another length or is not ASCII becomes question marks."""
    if not set(map(len, texts)) <= {width}:
        texts = [text if len(text) == width else "?" * width for text in texts]
    return np.frombuffer("".join(texts).encode("ascii", "replace"), np.uint8).reshape(-1, width)
