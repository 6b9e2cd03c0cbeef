"""The slice table: a row of counters for each entity and minute, and money beside it where there is any.

Rows lie in one table of numbers, so a batch is added in one go, a million rows are no objects that the garbage
collector would walk, and a saved state is the table's bytes.  A row is found by its slot, which packs the number of
the entity and the end of the minute into one integer.
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


class SliceTable:
    """Counts and money by entity and minute; a minute is named by its end, epoch seconds.

    Attributes:
        entities: every entity of a row; its index is its number in slots.
        money: by slot, only where there is any.
    """

    def __init__(self) -> None:
        self.entities: list[Entity] = []
        self.money: dict[int, Money] = {}
        self._numbers: dict[Entity, int] = {}
        self._rows: dict[int, int] = {}
        self._counts = np.zeros((_FIRST_ROWS, NUMBERS), np.int64)
        self._slots = np.zeros(_FIRST_ROWS, np.int64)
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

    def count(self, entity_ids: Integers, ends: Integers, kinds: Integers, numbers: Integers) -> None:
        """Count a batch of n events.

        Args:
            entity_ids: the numbers of the entities that each counts in, shape (n, m).
            ends: the minute of each.
            kinds: what each is, an index of `COUNTS`.
            numbers: how often each counts; less than zero: it is taken away.
        """
        rows = self.rows_of(slots_of(entity_ids, ends[:, None]).ravel())
        width = entity_ids.shape[1]
        # Flat, because `add.at` is ten times as fast in one dimension.
        np.add.at(self._counts.reshape(-1), rows * NUMBERS + kinds.repeat(width), numbers.repeat(width))
        self._is_dirty[rows] = True

    def add_money(self, entity_ids: Sequence[int], end: int, money: Money, sign: int = 1) -> None:
        """Add money to a minute of these entities, or take it away with ``sign=-1``; what moved it is counted apart.

        Money that comes to nothing leaves no trace.
        """
        for entity_id in entity_ids:
            slot = slot_of(entity_id, end)
            sums = self.money.setdefault(slot, {})
            add_money(sums, money, sign)
            if not sums:
                del self.money[slot]

    def rows_of(self, slots: Integers) -> NDArray[np.intp]:
        """The row of each slot, made where there is none."""
        # Most events of a batch share the minutes of their campaign, channel and tie: each is looked up once.
        different, which = np.unique(slots, return_inverse=True)
        asked = different.tolist()
        found = list(map(self._rows.get, asked))
        if None in found:
            self._make_rows([slot for slot, row in zip(asked, found, strict=True) if row is None])
            found = list(map(self._rows.get, asked))
        return np.array(found, np.intp)[which]

    def _make_rows(self, slots: list[int]) -> None:
        used = len(self._rows)
        needed = used + len(slots)
        if needed > len(self._slots):
            self._grow(max(needed, used * 3 // 2))
        self._rows.update(zip(slots, range(used, needed), strict=True))
        self._slots[used:needed] = slots

    def _grow(self, size: int) -> None:
        used = len(self._rows)
        for name in ("_counts", "_slots", "_is_dirty"):
            old = getattr(self, name)
            new = np.zeros((size, *old.shape[1:]), old.dtype)
            new[:used] = old[:used]
            setattr(self, name, new)

    # ---- what is to be published -------------------------------------------------------------------------

    def take_dirty(self) -> NDArray[np.intp]:
        """The rows that changed since they were taken last, an entity's together; they are clean afterwards."""
        dirty = self._is_dirty[: len(self._rows)]
        rows = np.flatnonzero(dirty)
        dirty[:] = False
        return rows[np.argsort(self._slots[rows])]

    def dirty_slots(self) -> Integers:
        """The slots of the rows that changed since they were taken last."""
        used = len(self._rows)
        return self._slots[:used][self._is_dirty[:used]]

    def mark_dirty(self, slots: Integers) -> None:
        """Mark rows as changed; a row is made where there is none."""
        rows = self.rows_of(slots)  # first: the table may grow, and be another one
        self._is_dirty[rows] = True

    def values(self, rows: NDArray[np.intp]) -> Iterator[tuple[int, int, list[int], Money | None]]:
        """(number of the entity, end, counts, money) of these rows as they are now."""
        slots = self._slots[rows].tolist()
        money_at = self.money.get
        for slot, counts in zip(slots, self._counts[rows].tolist(), strict=True):
            yield slot >> _END_BITS, slot & _END_MASK, counts, money_at(slot)

    # ---- saving and forgetting ---------------------------------------------------------------------------

    def columns(self) -> tuple[Integers, Integers]:
        """Slots and counts of all rows."""
        used = len(self._rows)
        return self._slots[:used], self._counts[:used]

    def keep(self, slots: Integers, counts: Integers) -> None:
        """Take over the rows of a saved state; all of them are clean."""
        self._slots, self._counts = slots.copy(), counts.copy()
        self._is_dirty = np.zeros(len(slots), np.bool_)
        self._rows = dict(zip(slots.tolist(), range(len(slots)), strict=True))

    def forget(self, until: int) -> None:
        """Drop the clean rows of minutes that end at or before this epoch second."""
        used = len(self._rows)
        kept = (self._slots[:used] & _END_MASK > until) | self._is_dirty[:used]
        if kept.all():
            return
        for slot in self._slots[:used][~kept].tolist():
            self.money.pop(slot, None)
        dirty: Bools = self._is_dirty[:used][kept]
        self.keep(self._slots[:used][kept], self._counts[:used][kept])
        self._is_dirty = dirty


def slot_of(number: int, end: int) -> int:
    """The slot of one minute of one entity."""
    return number << _END_BITS | end


def slots_of(numbers: Integers, ends: Integers) -> Integers:
    """The same of many."""
    return (numbers << _END_BITS) | ends


def ends_of(slots: Integers) -> Integers:
    """The minutes of places."""
    return slots & _END_MASK


def numbers_of(slots: Integers) -> Integers:
    """The entities of places."""
    return slots >> _END_BITS
