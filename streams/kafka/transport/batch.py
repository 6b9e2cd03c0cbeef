"""What travels between the log and an agent, and who knows how far the agent has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from faust.types import TP


class LogTruncated(RuntimeError):
    """The log no longer holds the position of a state that is made anew from what there is at the next start."""


class Batch:
    """Contiguous records of one topic-partition, delivered as one Faust message.

    `start` is where the chain stood before it; the records may begin later (compaction, transaction markers, offsets
    that an operator skipped), and there may be none.  `end` is the next offset after it.
    """

    __slots__ = ("end", "epoch", "records", "start", "tp")

    def __init__(self, tp: TP, records: list[Any], start: int, epoch: int, end: int | None = None) -> None:
        self.tp = tp
        self.records = records
        self.start = start
        self.end = records[-1].offset + 1 if end is None else end
        self.epoch = epoch


class Positions(Protocol):
    """An agent's positions, which belong to its state; nothing is ever committed to the group."""

    async def load(self, tps: frozenset[TP]) -> Mapping[TP, int]:
        """Make the states of an assignment ready; the next offset of each partition that has one."""

    def __getitem__(self, tp: TP) -> int:
        """The next offset that the state needs."""

    def begin(self, target: Mapping[TP, int]) -> None:
        """The offsets at which reading begins, those included that had none."""
