"""How far a worker has come with loading what it needs before it can read on: a saved state, a mark, the detectors.

Law: a load has no time limit.  What counts is progress, so every piece that is read or decoded is counted here, and
whoever watches the worker ends a load whose count stands still.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

_numbers = count()
MEGABYTE: Final = 1_000_000


class Load:
    """One thing that is being loaded.

    The event loop counts what is read, and a thread what is decoded; plain numbers, so any thread may read them.

    Args:
        what: for people, for example "the state of partition 3".
    """

    def __init__(self, what: str, partition: int) -> None:
        self.what = what
        self.partition = partition
        self.number = next(_numbers)
        self.steps = 0  # grows with every piece
        self.bytes_read = 0
        self.records_read = 0
        self.records_wanted = 0
        self.bytes_decoded = 0
        self.bytes_to_decode = 0

    def wants(self, records: int) -> None:
        """So many more records of the log are going to be read."""
        self.records_wanted += records
        self.steps += 1

    def took(self, records: int, size: int) -> None:
        """So many records and bytes were read."""
        self.records_read += records
        self.bytes_read += size
        self.steps += 1

    def decodes(self, size: int) -> None:
        """A state of so many bytes is whole and is being decoded."""
        self.bytes_to_decode = size
        self.bytes_decoded = 0
        self.steps += 1

    def decoded(self, size: int) -> None:
        """So many more bytes of it were decoded."""
        self.bytes_decoded += size
        self.steps += 1

    @property
    def ratio(self) -> float:
        """How much of the records that are wanted so far was read, 0 to 1."""
        return min(1.0, self.records_read / self.records_wanted) if self.records_wanted else 0.0

    def __str__(self) -> str:
        if self.bytes_to_decode:
            done = f"{_megabytes(self.bytes_decoded)} of {_megabytes(self.bytes_to_decode)} MB decoded"
        elif self.records_wanted:
            done = f"{_megabytes(self.bytes_read)} MB, {self.records_read} of {self.records_wanted} records read"
        else:
            done = "the broker has not said yet where the log ends"
        return f"loading {self.what}: {done}"


class Loads:
    """What a role is loading now: one thing at a time, nothing most of the time."""

    def __init__(self) -> None:
        self.now: Load | None = None

    @contextmanager
    def one(self, what: str, partition: int) -> Iterator[Load]:
        """Around one load; an overtaken one that ends late does not hide its successor."""
        load = self.now = Load(what, partition)
        try:
            yield load
        finally:
            if self.now is load:
                self.now = None


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f}"
