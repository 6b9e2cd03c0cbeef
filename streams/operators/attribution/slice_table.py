"""Where events are counted: a row of numbers for each entity and minute, and money beside it where there is any.

Rows lie in one table of numbers, so a batch is added in one go, a million rows are no objects that the garbage
collector would walk, and a saved state is the table's bytes.  A row is found by its place: which entity, which minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.codec.vectorized import Bools, Integers
from schemas.slices import COUNTS, Entity
from streams.operators.counters import Money, add_money

NUMBERS: Final = len(COUNTS)
_FIRST_ROWS: Final = 1024
_END_BITS: Final = 32  # an end in epoch seconds has 32 bits until 2106
_END_MASK: Final = (1 << _END_BITS) - 1


class Ledger:
    """Counts and money by entity and minute; a minute is named by its end, epoch seconds.

    Attributes:
        entities: every entity that was ever named, by its number here.
        money: by place, only where there is any.
    """

    def __init__(self) -> None:
        self.entities: list[Entity] = []
        self.money: dict[int, Money] = {}
        self._numbers: dict[Entity, int] = {}
        self._rows: dict[int, int] = {}
        self._counts = np.zeros((_FIRST_ROWS, NUMBERS), np.int64)
        self._places = np.zeros(_FIRST_ROWS, np.int64)
        self._is_dirty = np.zeros(_FIRST_ROWS, np.bool_)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def number_of(self, entity: Entity) -> int:
        number = self._numbers.get(entity)
        if number is None:
            number = self._numbers[entity] = len(self.entities)
            self.entities.append(entity)
        return number

    # ---- counting ----------------------------------------------------------------------------------------

    def count(self, lines: Integers, ends: Integers, kinds: Integers, numbers: Integers) -> None:
        """Count a batch of n events.

        Args:
            lines: the entities that each counts in, by number, shape (n, m).
            ends: the minute of each.
            kinds: what each is, an index of `COUNTS`.
            numbers: how often each counts; less than zero: it is taken away.
        """
        rows = self.rows_of(places_of(lines, ends[:, None]).ravel())
        width = lines.shape[1]
        # Flat, because `add.at` is ten times as fast in one dimension.
        np.add.at(self._counts.reshape(-1), rows * NUMBERS + kinds.repeat(width), numbers.repeat(width))
        self._is_dirty[rows] = True

    def add_money(self, lines: Sequence[int], end: int, money: Money, sign: int = 1) -> None:
        """Add money to a minute of these entities, or take it away with ``sign=-1``; what moved it is counted apart.

        Money that comes to nothing leaves no trace.
        """
        for line in lines:
            place = place_of(line, end)
            sums = self.money.setdefault(place, {})
            add_money(sums, money, sign)
            if not sums:
                del self.money[place]

    def rows_of(self, places: Integers) -> NDArray[np.intp]:
        """The row of each place, made where there is none."""
        # Most events of a batch share the minutes of their campaign, channel and tie: each is looked up once.
        different, which = np.unique(places, return_inverse=True)
        asked = different.tolist()
        found = list(map(self._rows.get, asked))
        if None in found:
            self._make_rows([place for place, row in zip(asked, found, strict=True) if row is None])
            found = list(map(self._rows.get, asked))
        return np.array(found, np.intp)[which]

    def _make_rows(self, places: list[int]) -> None:
        used = len(self._rows)
        needed = used + len(places)
        if needed > len(self._places):
            self._grow(max(needed, used * 3 // 2))
        self._rows.update(zip(places, range(used, needed), strict=True))
        self._places[used:needed] = places

    def _grow(self, size: int) -> None:
        used = len(self._rows)
        for name in ("_counts", "_places", "_is_dirty"):
            old = getattr(self, name)
            new = np.zeros((size, *old.shape[1:]), old.dtype)
            new[:used] = old[:used]
            setattr(self, name, new)

    # ---- what is to be said ------------------------------------------------------------------------------

    def take_dirty(self) -> NDArray[np.intp]:
        """The rows that changed since they were taken last, an entity's together; they are clean afterwards."""
        dirty = self._is_dirty[: len(self._rows)]
        rows = np.flatnonzero(dirty)
        dirty[:] = False
        return rows[np.argsort(self._places[rows])]

    def dirty_places(self) -> Integers:
        """Where the rows stand that changed."""
        used = len(self._rows)
        return self._places[:used][self._is_dirty[:used]]

    def touch(self, places: Integers) -> None:
        """Mark rows as changed, made where there are none."""
        rows = self.rows_of(places)  # first: the table may grow, and be another one
        self._is_dirty[rows] = True

    def values(self, rows: NDArray[np.intp]) -> Iterator[tuple[int, int, list[int], Money | None]]:
        """(number of the entity, end, counts, money) of these rows as they are now."""
        places = self._places[rows].tolist()
        money_at = self.money.get
        for place, counts in zip(places, self._counts[rows].tolist(), strict=True):
            yield place >> _END_BITS, place & _END_MASK, counts, money_at(place)

    # ---- saving and forgetting ---------------------------------------------------------------------------

    def columns(self) -> tuple[Integers, Integers]:
        """Places and counts of all rows."""
        used = len(self._rows)
        return self._places[:used], self._counts[:used]

    def keep(self, places: Integers, counts: Integers) -> None:
        """Take over the rows of a saved state; all of them are clean."""
        self._places, self._counts = places.copy(), counts.copy()
        self._is_dirty = np.zeros(len(places), np.bool_)
        self._rows = dict(zip(places.tolist(), range(len(places)), strict=True))

    def forget(self, until: int) -> None:
        """Drop the clean rows of minutes that end at or before this epoch second."""
        used = len(self._rows)
        kept = (self._places[:used] & _END_MASK > until) | self._is_dirty[:used]
        if kept.all():
            return
        for place in self._places[:used][~kept].tolist():
            self.money.pop(place, None)
        dirty: Bools = self._is_dirty[:used][kept]
        self.keep(self._places[:used][kept], self._counts[:used][kept])
        self._is_dirty = dirty


def place_of(number: int, end: int) -> int:
    """Where a minute of an entity stands."""
    return number << _END_BITS | end


def places_of(numbers: Integers, ends: Integers) -> Integers:
    """The same of many."""
    return (numbers << _END_BITS) | ends


def ends_of(places: Integers) -> Integers:
    """The minutes of places."""
    return places & _END_MASK


def numbers_of(places: Integers) -> Integers:
    """The entities of places."""
    return places >> _END_BITS
