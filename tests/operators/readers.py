"""One partition of `slices` and the workers of conversion that read it one after the other, while it grows.

A worker reads from the beginning; up to a mark that an earlier one left it only takes in, after it it emits.  In
between the log may have been compacted: of a key only the last record before some offset is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from looking import slice_key
from random_logs import CODEC
from wiring import PARTITIONS, START_MS, Landed

from schemas.results import Result, WindowResult
from schemas.slices import Progress, SliceRecord, progress_key
from streams.operators.windowing.state import Conversion
from streams.operators.windowing.windower import Windower


class Mark(NamedTuple):
    position: int
    clock: int
    watermarks: dict[str, int]


def key_of(record: SliceRecord) -> bytes:
    return progress_key(record) if isinstance(record, Progress) else slice_key(record)


def delivered(partitions: Sequence[list[SliceRecord]], random: Random, repeats: float) -> list[SliceRecord]:
    """Each partition's records in order, partitions in any order; some again (how many), as late as it gets."""
    waiting = [list(records) for records in partitions]
    out: list[SliceRecord] = []
    while any(waiting):
        records = random.choice([records for records in waiting if records])
        out += records[: (count := random.randint(1, 6))]
        del records[:count]
        if random.random() < repeats:
            out.append(random.choice(out))
    return out


class Readers:
    """Plays random lives of conversion over a log; `landed` is the table, `state` the last worker's.

    Args:
        compaction: how often the log is compacted before a restart.  It keeps the last record of a key, so no
            record may be there twice: a writer's own records are in the order of their versions.
    """

    def __init__(self, records: list[SliceRecord], random: Random, compaction: float) -> None:
        self.compaction = compaction
        self.random = random
        self.log = dict(enumerate(records))
        self.end = len(records)
        self.visible = 0
        self.windower = Windower(CODEC.campaigns, PARTITIONS)
        self.landed = Landed()
        self.marks: list[Mark] = []
        self.late: list[Result] = []
        self.watermarks: dict[str, int] = {}
        self.state = Conversion(0)

    def play(self, restarts: int) -> None:
        while self.state.position < self.end:
            self.visible = min(self.end, self.visible + self.random.randint(0, 8))
            self._read(None, catching_up=False)
            match self.random.randrange(5):
                case 0 | 1:
                    self._flush(self.random.choice((1, 3, 10**9)))
                case 2 if restarts:
                    restarts -= 1
                    self._restart()
                case 3:
                    self.landed.add(self.late)
        self.landed.add(self.late)
        self._flush(10**9)

    def _read(self, mark: Mark | None, catching_up: bool) -> None:
        """Take in all that is visible: an emission before that would be too early."""
        for offset in range(self.state.position, self.visible):
            if mark is not None and offset >= mark.position:
                self.windower.resume(self.state, mark.clock, mark.watermarks)
                mark = None
            if offset in self.log:
                emitted = mark is not None
                self.windower.apply(self.state, self.log[offset], emitted=emitted, catching_up=catching_up)
        self.state.position = self.visible
        if mark is not None:
            self.windower.resume(self.state, mark.clock, mark.watermarks)

    def _flush(self, limit: int) -> None:
        """Say all, in pieces; or only the first piece, without a mark."""
        mark = Mark(self.state.position, self.state.clock, dict(self.state.watermarks))
        said_all = False
        while not said_all:
            results, said_all = self.windower.flush(self.state, START_MS, limit)
            self._check_watermarks(self.landed.add(results))
            if self.random.random() < 0.05 and self.state.position < self.end:
                return
        self.marks.append(mark)

    def _check_watermarks(self, rows: list[WindowResult]) -> None:
        for row in rows:
            known = self.watermarks.setdefault(row.campaign_id, 0)
            own = self.state.watermarks.get(row.campaign_id, 0)
            assert own >= known, "a watermark went back"
            self.watermarks[row.campaign_id] = own

    def _restart(self) -> None:
        """A new worker; what the old one has still to say lands late or never."""
        self.late += self.windower.flush(self.state, START_MS)[0]
        if self.random.random() < self.compaction:
            self._compact(self.random.randint(0, self.visible))
        if self.random.random() < 0.2:
            # The marks are lost: everything is emitted again, and watermarks begin anew.
            self.marks.clear()
        if not self.marks:
            self.watermarks = {}
        self.state = Conversion(0)
        self._read(self.marks[-1] if self.marks else None, catching_up=True)

    def restart_at_newest_mark(self) -> None:
        self.state = Conversion(0)
        self._read(self.marks[-1], catching_up=True)

    def _compact(self, upto: int) -> None:
        last = {key_of(record): offset for offset, record in self.log.items() if offset < upto}
        self.log = {
            offset: record for offset, record in self.log.items() if offset >= upto or last[key_of(record)] == offset
        }
