"""One source partition and the workers that own it one after the other, while its logs grow.

        first    ----emit--save--emit--(paused) . . . . . . . . . . . . . . late emission
        second                          load, silent ....... emit---(killed)
        third                                                          load, silent ... emit

A worker begins with the newest saved state, or an older one, or none.  It is silent until it has folded what the
logs held when it took over.  A predecessor that was paused says what it had at its pause, as late as it likes.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from random_logs import CODEC
from wiring import PROCESSOR, Logs, begun, drained, said

from schemas.slices import SliceRecord, decode, encode
from schemas.topics import ATTRIBUTION_INPUTS
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.snapshot import fingerprint_of, from_bytes, to_bytes
from streams.operators.attribution.state import Attribution, compact

FINGERPRINT = fingerprint_of(CODEC)


class Rules(NamedTuple):
    """What workers keep to; each rule can be dropped to see what it is good for.

    `silent`: nothing is emitted before the logs' ends at the takeover are reached.  `fenced`: a worker whose
    partition is somebody else's folds no further.
    """

    silent: bool = True
    fenced: bool = True


class Worker:
    """One incarnation."""

    def __init__(self, name: str, state: Attribution, goals: dict[str, int]) -> None:
        self.name = name
        self.state = state
        self.goals = goals
        self.in_flight: list[SliceRecord] = []

    @property
    def ready(self) -> bool:
        return all(self.state.positions[topic] >= goal for topic, goal in self.goals.items())


class Lives:
    """Plays random lives of a partition; `slices` is what was written, in order."""

    def __init__(self, logs: Logs, partition: int, random: Random, rules: Rules) -> None:
        self.random, self.rules = random, rules
        self.logs, self.partition = logs, partition
        self.visible = dict.fromkeys(ATTRIBUTION_INPUTS, 0)
        self.saved: list[tuple[int, bytes]] = []
        self.slices: list[SliceRecord] = []
        self.folder = AttributionOperator(CODEC, PROCESSOR)
        self.ghosts: list[Worker] = []
        self.incarnations = 0
        self.worker = self._take_over()

    def play(self, lives: int) -> Attribution:
        """Live until the logs are complete and read; the state of the last worker."""
        while not self._is_over():
            match self.random.randrange(10):
                case 0 | 1 | 2:
                    self._grow()
                case 3 | 4 | 5:
                    self._fold(self.worker)
                case 6:
                    self._emit(self.worker)
                case 7:
                    self._save()
                case 8 if self.incarnations < lives:
                    self._pause()
                    self.worker = self._take_over()
                case 9:
                    self._haunt()
        while self.ghosts:
            self._haunt()
        self._emit(self.worker)
        return self.worker.state

    def _is_over(self) -> bool:
        ends = self.logs.ends(self.partition)
        return self.visible == ends and self.worker.state.positions == ends

    def _grow(self) -> None:
        topic = self.random.choice(ATTRIBUTION_INPUTS)
        end = len(self.logs.records[topic, self.partition])
        self.visible[topic] = min(end, self.visible[topic] + self.random.randint(1, 4))

    def _fold(self, worker: Worker) -> None:
        topic = self.random.choice(ATTRIBUTION_INPUTS)
        start = worker.state.positions[topic]
        end = min(self.visible[topic], start + self.random.randint(0, 4))
        self.folder.step(worker.state, topic, self.logs.records[topic, self.partition][start:end], end)
        if self.random.random() < 0.1:
            compact(worker.state, 2**40)

    def _emit(self, worker: Worker) -> None:
        if worker.ready or not self.rules.silent:
            self._write(said(drained(worker.state, self.logs, worker.name)))

    def _write(self, records: list[SliceRecord]) -> None:
        self.slices += [decode(encode(record)) for record in records]

    def _save(self) -> None:
        """A checkpoint, after everything before it was emitted."""
        if self.worker.ready or not self.rules.silent:
            self._emit(self.worker)
            self.saved.append((self.worker.state.version, to_bytes(self.worker.state, FINGERPRINT)))

    def _pause(self) -> None:
        """The worker is a ghost from now on: a moment before, it may have drained what it could not send yet."""
        ghost = self.worker
        if self.random.random() < 0.5 and (ghost.ready or not self.rules.silent):
            ghost.in_flight = said(drained(ghost.state, self.logs, ghost.name))
        if self.random.random() < 0.7:
            self.ghosts.append(ghost)

    def _haunt(self) -> None:
        """A ghost says what it has, the first part of it or all."""
        if not self.ghosts:
            return
        ghost = self.ghosts.pop(self.random.randrange(len(self.ghosts)))
        if not self.rules.fenced:
            self._fold(ghost)
        self._write(ghost.in_flight[: self.random.randint(0, len(ghost.in_flight))])
        if self.random.random() < 0.5:
            self._write(ghost.in_flight)
            self._emit(ghost)

    def _take_over(self) -> Worker:
        self.incarnations += 1
        by_version = [data for _, data in sorted(self.saved, key=lambda saved: saved[0])]
        # Mostly the newest one; it may be unreadable, or all may be gone.
        choice = self.random.choice([*by_version[-1:] * 3, *by_version, None])
        state = begun(self.partition) if choice is None else from_bytes(choice, self.partition, FINGERPRINT)
        return Worker(f"life{self.incarnations}", state, dict(self.visible))
