"""What a fetch may hold beside records: a mark, always the last thing that is handed out of it."""

from __future__ import annotations

from typing import Any

from schemas.errors import Fault


class RangeMarker:
    """It has the fields of a record, so that whoever only asks for values passes over it.

    `first` and `offset` are the first and the last offset that it speaks of.
    """

    timestamp = 0
    timestamp_type = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[Any, ...] = ()

    def __init__(self, first: int, offset: int) -> None:
        self.first = first
        self.offset = offset


class Passed(RangeMarker):
    """These offsets hold no record: markers of transactions, or what compaction took from the end of a batch.

    Without it a log that ends so would never seem to be read to its end.
    """


class Damaged(RangeMarker):
    """These offsets cannot be read; `what` is wrong with them, in words, without a value of any record."""

    def __init__(self, first: int, offset: int, what: str) -> None:
        super().__init__(first, offset)
        self.what = what


def damage_fault(topic: str, shown_topic: str, partition: int, mark: Damaged) -> Fault:
    """What to say of damage that is still there when it is asked for again.

    Args:
        topic: without a prefix, as `groundswell skip` takes it.
        shown_topic: physical.
    """
    until = f" --to {mark.offset}" if mark.offset > mark.first else ""
    return Fault(
        "kafka",
        f"{shown_topic}-{partition} cannot be read at offset {mark.first}: {mark.what}",
        f"Ask the broker's log what happened to it. To go on without: groundswell skip {topic} {partition} "
        f"{mark.first}{until} --why TEXT, then start the worker again.",
    )
