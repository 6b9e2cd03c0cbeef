"""What an operator has said to go on without: offsets of a partition, and why.

It is recorded in the topic `skips` for good, so that every replay, the sink and the audit leave out the same offsets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

SKIPS_SCHEMA: Final = 1

SkippedRange = tuple[int, int]  # [first, end)
SkippingRole = Literal["", "attribution", "conversion", "sink"]


class Skip(Struct, frozen=True):
    """Nobody reads `first` to `last`, both included; `role`: only this role does not; "": all of them.

    `gone`: how many of the offsets the log did not hold any more when it was said.  `said_at` is RFC 3339.
    """

    schema: int
    topic: str
    partition: Annotated[int, Meta(ge=0)]
    first: Annotated[int, Meta(ge=0)]
    last: Annotated[int, Meta(ge=0, lt=2**63 - 1)]
    why: Annotated[str, Meta(min_length=1, max_length=1000)]
    said_at: str
    gone: Annotated[int, Meta(ge=0)] = 0
    role: SkippingRole = ""

    @property
    def number(self) -> int:
        return self.last + 1 - self.first


_decoder = msgspec.json.Decoder(Skip)
_encoder = msgspec.json.Encoder()


def encode(skip: Skip) -> bytes:
    return _encoder.encode(skip)


def decode(value: bytes | None) -> Skip | None:
    """A record of the topic `skips`; None where it is none that this program can act on."""
    try:
        skip = _decoder.decode(value or b"")
    except (ValueError, RecursionError):
        return None
    return skip if skip.schema == SKIPS_SCHEMA and skip.first <= skip.last else None


def skip_key(skip: Skip) -> bytes:
    return f"{skip.topic}|{skip.partition}|{skip.first}|{skip.last}|{skip.role}".encode()


def in_words(skip: Skip) -> str:
    """What is not read, and why, for a person."""
    offsets = f"offset {skip.first}" if skip.number == 1 else f"offsets {skip.first} to {skip.last}"
    by = f" by {skip.role}" if skip.role else ""
    gone = f", {skip.gone} of them gone from the log" if skip.gone else ""
    return f"{skip.topic}, partition {skip.partition}: {offsets} not read{by} ({skip.number} in all{gone}): {skip.why}"


class Skips:
    """The offsets that are skipped, by topic and partition.

    Args:
        ranges: by (topic, partition); they may overlap.
    """

    def __init__(self, ranges: Mapping[tuple[str, int], Iterable[SkippedRange]] | None = None) -> None:
        self._ranges = {place: _merged(found) for place, found in (ranges or {}).items()}

    @classmethod
    def of(cls, skips: Iterable[Skip], role: str, prefix: str = "") -> Skips:
        """What this role skips; the topics are named with the prefix."""
        ranges: defaultdict[tuple[str, int], list[SkippedRange]] = defaultdict(list)
        for skip in skips:
            if skip.role in ("", role):
                ranges[prefix + skip.topic, skip.partition].append((skip.first, skip.last + 1))
        return cls(ranges)

    def beyond(self, place: tuple[str, int], offset: int) -> int:
        """The first offset from this one on that is not skipped."""
        for first, end in self._ranges.get(place, ()):
            if first <= offset < end:
                return end
        return offset

    def count(self, place: tuple[str, int], start: int, end: int) -> int:
        """How many offsets of `[start, end)` are skipped."""
        ranges = self._ranges.get(place, ())
        return sum(max(0, min(end, stop) - max(start, first)) for first, stop in ranges)

    def without(self, place: tuple[str, int], records: list[Any]) -> list[Any]:
        """The records that are not skipped."""
        if place not in self._ranges or not records:
            return records
        return [record for record in records if self.beyond(place, record.offset) == record.offset]


def _merged(ranges: Iterable[SkippedRange]) -> Sequence[SkippedRange]:
    merged: list[SkippedRange] = []
    for first, end in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((first, end))
    return merged
