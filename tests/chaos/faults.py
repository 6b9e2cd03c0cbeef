"""The faults that a run is drawn from.  Each is quick to begin; what lasts is undone later, in `Faults.undo_due`."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from schemas.errors import Fault
from streams.kafka.checkpoints import CheckpointManifest, CheckpointPart, _encoder
from tests.chaos import poison
from tests.chaos.broker_faults import BrokerFaults
from tests.chaos.proxy import Mode
from tests.chaos.timetable import Timetable
from tests.chaos.world import SESSION_SECONDS, STEPPED, WORKERS, World

STORE_SECONDS: Final = (1.0, 6.0)
# Longer than the session: by then the partitions are somebody else's.
CLOCK_SECONDS: Final = (3.0, 15.0)
CLOCK_STEPS: Final = (-3000, -90, 90, 3000)  # within the hour by which a broker lets a record be ahead
PAUSE_SECONDS: Final = (1.3 * SESSION_SECONDS, 2.0 * SESSION_SECONDS)


class Faults:
    """Draws one fault after the other.  `done` counts them by kind.

    Args:
        without: names of faults (`NAMES`) that are not drawn.
    """

    NAMES: Final = (
        *("kill", "several", "terminate", "pause", "clock", "broker", "controller", "freeze", "split"),
        *("store", "kill-store", "checkpoints", "poison", "beside"),
    )

    def __init__(self, world: World, dice: random.Random, without: Collection[str] = ()) -> None:
        self.done: Counter[str] = Counter()
        self._world = world
        self._dice = dice
        self._ends = Timetable(dice)
        self._brokers = BrokerFaults(world, dice, self.done, self._ends, self._kill_several)
        self._paused: set[str] = set()
        self._stepped: str | None = None
        table: dict[str, tuple[int, Callable[[], None]]] = {
            "kill": (36, self._kill),
            "several": (14, self._kill_several),
            "terminate": (14, self._terminate),
            "pause": (8, self._pause),
            "clock": (4, self._step_clock),
            "broker": (3, self._brokers.break_broker),
            "controller": (2, self._brokers.break_controller),
            "freeze": (4, self._brokers.freeze),
            "split": (10, self._brokers.split),
            "store": (12, self._break_store),
            "kill-store": (2, self._kill_store),
            "checkpoints": (4, self._spoil_checkpoints),
            "poison": (2, self._poison),
            "beside": (2, self._read_beside),
        }
        assert set(table) == set(self.NAMES)
        left_out = {*without, *(("split",) if world.splits is None else ())}
        self._weighted: Final = {fault: weight for name, (weight, fault) in table.items() if name not in left_out}

    def draw(self) -> None:
        """One fault; which it was is counted when it could be done."""
        fault = self._dice.choices(list(self._weighted), list(self._weighted.values()))[0]
        fault()

    def undo_due(self, now: float) -> None:
        """End what has lasted long enough."""
        self._ends.call_due(now)

    def undo_all(self) -> None:
        """End everything that still lasts."""
        self._ends.call_all()

    # ---- workers -------------------------------------------------------------------------------------------

    def _somebody(self) -> str | None:
        running = [name for name in WORKERS if name in self._world.stack.running() and name not in self._paused]
        return self._dice.choice(running) if running else None

    def _kill(self) -> None:
        self._signal("SIGKILL", signal.SIGKILL)

    def _kill_several(self) -> None:
        """A machine that takes several workers with it."""
        for _ in range(self._dice.randint(2, 4)):
            self._kill()

    def _terminate(self) -> None:
        self._signal("SIGTERM", signal.SIGTERM)

    def _signal(self, kind: str, number: signal.Signals) -> str | None:
        name = self._somebody()
        if name is not None:
            self._world.kill(name, number)
            self.done[kind] += 1
        return name

    def _pause(self) -> None:
        name = self._signal("SIGSTOP", signal.SIGSTOP)
        if name is None:
            return
        self._paused.add(name)

        def go_on() -> None:
            self._paused.discard(name)
            if name in self._world.stack.running():
                self._world.kill(name, signal.SIGCONT)

        self._ends.between(PAUSE_SECONDS, go_on)

    def _step_clock(self) -> None:
        """Of one host: two that are wrong alike are a wrong time of everybody, against which nothing can be held."""
        name = self._dice.choice(STEPPED)
        if self._stepped is not None:
            return
        self._stepped = name
        self._world.step_clock(name, self._dice.choice(CLOCK_STEPS))
        self.done["clock stepped"] += 1

        def right() -> None:
            self._world.step_clock(name, 0)
            self._stepped = None

        self._ends.between(CLOCK_SECONDS, right)

    # ---- the store -----------------------------------------------------------------------------------------

    def _break_store(self) -> None:
        mode: Mode = self._dice.choice(["refuse", "hang", "cut", "lose", "slow"])
        self._world.proxy.mode = mode
        self.done[f"ClickHouse: {mode}"] += 1

        def mend() -> None:
            self._world.proxy.mode = "pass"

        self._ends.between(STORE_SECONDS, mend)

    def _kill_store(self) -> None:
        if "clickhouse" not in self._world.stack.running():
            return
        self._world.stack.kill_child("clickhouse")
        self.done["ClickHouse killed"] += 1

        def back() -> None:
            with suppress(Fault):
                self._world.stack.restart_child("clickhouse")

        self._ends.between(STORE_SECONDS, back)

    # ---- topics --------------------------------------------------------------------------------------------

    def _spoil_checkpoints(self) -> None:
        """What a crash, a foreign hand or a newer version might leave: parts without a seal, a wrong digest, another
        schema, noise."""
        largest = 2**62
        spoilt = (
            _encoder.encode(CheckpointPart(1, "foreign", largest, 0, b"half of a state")),
            _encoder.encode(CheckpointManifest(1, "foreign", largest, 2, "0" * 16)),
            _encoder.encode(CheckpointManifest(99, "newer", largest, 0, "0" * 16)),
            b"\x00noise",
        )
        records = [(f"spoilt|{number}".encode(), value) for number, value in enumerate(spoilt)]
        self._aside("checkpoints spoilt", lambda: self._send("checkpoints", records))

    def _aside(self, kind: str, act: Callable[[], None]) -> None:
        """Do what needs a client of our own.  It may hang at a frozen broker, whose end must not wait for it."""

        def run() -> None:
            with suppress(KafkaError, OSError):  # the brokers have a fault of their own at this moment
                act()
                self.done[kind] += 1

        threading.Thread(target=run, daemon=True).start()

    def _send(self, topic: str, records: list[tuple[bytes, bytes]]) -> None:
        producer = KafkaProducer(bootstrap_servers=self._world.settings.brokers, acks="all", max_block_ms=5000)
        try:
            for partition in range(self._world.settings.partitions):
                for key, value in records:
                    producer.send(self._world.settings.topic(topic), key=key, value=value, partition=partition)
            producer.flush(timeout=10)
        finally:
            producer.close(timeout=1)

    def _poison(self) -> None:
        kind = self._dice.choice(list(poison.KINDS))
        dice = random.Random(self._dice.getrandbits(32))
        self._aside(kind, lambda: poison.KINDS[kind](self._world.settings, dice))

    def _read_beside(self) -> None:
        """The consumer group of another application reads the same topics, commits, and leaves."""
        self._aside("another application", self._read)

    def _read(self) -> None:
        consumer = KafkaConsumer(
            "clicks", "slices", bootstrap_servers=self._world.settings.brokers, group_id="somebody-else",
            auto_offset_reset="earliest", session_timeout_ms=6000,
        )  # fmt: skip
        try:
            consumer.poll(timeout_ms=1000, max_records=500)
            consumer.commit()
        finally:
            consumer.close()
