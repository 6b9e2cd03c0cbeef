"""The faults that a run is drawn from.  Each is quick to begin; what lasts is undone later, in `Faults.undo_due`."""

from __future__ import annotations

import heapq
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from typing import Final

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from schemas.errors import Fault
from streams.checkpoints import Part, Seal, _encoder
from tests.chaos import poison
from tests.chaos.proxy import Mode
from tests.chaos.splits import FLAPPING, KINDS, flaps, of_a_broker, pairs_of
from tests.chaos.world import BROKERS, SESSION_SECONDS, STEPPED, WORKERS, World

BROKER_SECONDS: Final = (4.0, 12.0)
FROZEN_SECONDS: Final = (2.0, 25.0)
# Shorter and longer than a session (6 s) and a broker's own (6 s); the longest ones are `tests.chaos.takeover`.
SPLIT_SECONDS: Final = (3.0, 25.0)
TAKEOVER: Final = 0.6  # chance that a fault of a broker comes with a takeover
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
        self._undo: list[tuple[float, int, Callable[[], None]]] = []
        self._paused: set[str] = set()
        self._stepped: set[str] = set()
        self._broker_in_trouble: int | None = None
        table: dict[str, tuple[int, Callable[[], None]]] = {
            "kill": (36, self._kill),
            "several": (14, self._kill_several),
            "terminate": (14, self._terminate),
            "pause": (8, self._pause),
            "clock": (4, self._step_clock),
            "broker": (3, self._break_broker),
            "controller": (2, self._break_controller),
            "freeze": (4, self._freeze_broker),
            "split": (10, self._split),
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
        while self._undo and self._undo[0][0] <= now:
            heapq.heappop(self._undo)[2]()

    def undo_all(self) -> None:
        """End everything that still lasts."""
        while self._undo:
            heapq.heappop(self._undo)[2]()

    def _later(self, seconds: tuple[float, float], undo: Callable[[], None]) -> None:
        self._in(self._dice.uniform(*seconds), undo)

    def _in(self, seconds: float, undo: Callable[[], None]) -> None:
        heapq.heappush(self._undo, (time.monotonic() + seconds, self._dice.getrandbits(60), undo))

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

        self._later(PAUSE_SECONDS, go_on)

    def _step_clock(self) -> None:
        """Of one host: two that are wrong alike are a wrong time of everybody, against which nothing can be held."""
        name = self._dice.choice(STEPPED)
        if self._stepped:
            return
        self._stepped.add(name)
        self._world.step_clock(name, self._dice.choice(CLOCK_STEPS))
        self.done["clock stepped"] += 1

        def right() -> None:
            self._world.step_clock(name, 0)
            self._stepped.discard(name)

        self._later(CLOCK_SECONDS, right)

    # ---- brokers -------------------------------------------------------------------------------------------

    def _break_broker(self) -> None:
        self._kill_node("broker killed", self._dice.choice(list(BROKERS)))

    def _break_controller(self) -> None:
        node = self._controller()
        if node is not None:
            self._kill_node("controller killed", node)

    def _kill_node(self, kind: str, node: int) -> None:
        if not self._take_broker(node):
            return
        self._world.kafka.kill(node)
        self.done[kind] += 1

        def back() -> None:
            # The stack complains of workers that ended meanwhile: they are the supervisor's.
            with suppress(Fault):
                self._world.kafka.start_again(node)
            self._release_broker()

        self._later(BROKER_SECONDS, back)

    def _take_broker(self, node: int) -> bool:
        """Whether this broker may get into trouble: with two of three nothing is promised."""
        if self._broker_in_trouble is not None:
            return False
        self._broker_in_trouble = node
        return True

    def _release_broker(self) -> None:
        self._broker_in_trouble = None

    def _freeze_broker(self) -> None:
        """It takes connections, keeps them, and says nothing."""
        node = self._dice.choice(list(BROKERS))
        if not self._take_broker(node):
            return
        self._world.kill(BROKERS[node], signal.SIGSTOP)
        self.done["broker frozen"] += 1
        self._perhaps_take_over()

        def go_on() -> None:
            self._world.kill(BROKERS[node], signal.SIGCONT)
            self._release_broker()

        self._later(FROZEN_SECONDS, go_on)

    def _perhaps_take_over(self) -> None:
        """Workers die when, or shortly after, a fault began: others load state and read logs amid it."""
        if self._dice.random() < TAKEOVER:
            self.done["takeovers amid it"] += 1
            self._later((0.0, 3.0), self._kill_several)

    # ---- the network ---------------------------------------------------------------------------------------

    def _split(self) -> None:
        splits = self._world.splits
        assert splits is not None  # else it is not drawn
        kind, node = self._dice.choice(KINDS), self._dice.choice(list(BROKERS))
        if of_a_broker(kind) and not self._take_broker(node):
            return
        hosts = [*BROKERS.values(), *WORKERS]
        pairs = pairs_of(kind, BROKERS[node], self._dice.choice(list(WORKERS)), hosts, list(WORKERS))
        seconds = self._dice.uniform(*SPLIT_SECONDS)
        moments = flaps(self._dice, seconds) if FLAPPING in kind else [0.0, seconds]
        splits.begin(pairs)
        for place, moment in enumerate(moments[1:-1]):
            self._in(moment, partial(splits.begin if place % 2 else splits.end, pairs))
        self.done[f"split: {kind}"] += 1
        self._perhaps_take_over()

        def mend() -> None:
            splits.end(pairs)
            if of_a_broker(kind):
                self._release_broker()

        self._in(moments[-1], mend)

    def _controller(self) -> int | None:
        try:
            admin = KafkaAdminClient(bootstrap_servers=self._world.settings.brokers, request_timeout_ms=3000)
            try:
                return int(admin.describe_cluster()["controller_id"])
            finally:
                admin.close()
        except (KafkaError, OSError, KeyError):
            return None

    # ---- the store -----------------------------------------------------------------------------------------

    def _break_store(self) -> None:
        mode: Mode = self._dice.choice(["refuse", "hang", "cut", "lose", "slow"])
        self._world.proxy.mode = mode
        self.done[f"ClickHouse: {mode}"] += 1

        def mend() -> None:
            self._world.proxy.mode = "pass"

        self._later(STORE_SECONDS, mend)

    def _kill_store(self) -> None:
        if "clickhouse" not in self._world.stack.running():
            return
        self._world.stack.kill_child("clickhouse")
        self.done["ClickHouse killed"] += 1

        def back() -> None:
            with suppress(Fault):
                self._world.stack.restart_child("clickhouse")

        self._later(STORE_SECONDS, back)

    # ---- topics --------------------------------------------------------------------------------------------

    def _spoil_checkpoints(self) -> None:
        """What a crash, a foreign hand or a newer version might leave: parts without a seal, a wrong digest, another
        schema, noise."""
        largest = 2**62
        spoilt = (
            _encoder.encode(Part(1, "foreign", largest, 0, b"half of a state")),
            _encoder.encode(Seal(1, "foreign", largest, 2, "0" * 16)),
            _encoder.encode(Seal(99, "newer", largest, 0, "0" * 16)),
            b"\x00noise",
        )
        self._send("checkpoints", [(f"spoilt|{number}".encode(), value) for number, value in enumerate(spoilt)])
        self.done["checkpoints spoilt"] += 1

    def _send(self, topic: str, records: list[tuple[bytes, bytes]]) -> None:
        try:
            producer = KafkaProducer(bootstrap_servers=self._world.settings.brokers, acks="all", max_block_ms=5000)
            for partition in range(self._world.settings.partitions):
                for key, value in records:
                    producer.send(self._world.settings.topic(topic), key=key, value=value, partition=partition)
            producer.flush(timeout=10)
            producer.close(timeout=1)
        except (KafkaError, OSError):
            return  # the brokers have a fault of their own at this moment

    def _poison(self) -> None:
        kind = self._dice.choice(list(poison.KINDS))
        with suppress(KafkaError, OSError):  # the brokers have a fault of their own at this moment
            poison.KINDS[kind](self._world.settings, self._dice)
            self.done[kind] += 1

    def _read_beside(self) -> None:
        """The consumer group of another application reads the same topics, commits, and leaves."""
        from kafka import KafkaConsumer

        try:
            consumer = KafkaConsumer(
                "clicks", "slices", bootstrap_servers=self._world.settings.brokers, group_id="somebody-else",
                auto_offset_reset="earliest", session_timeout_ms=6000,
            )  # fmt: skip
            consumer.poll(timeout_ms=1000, max_records=500)
            consumer.commit()
            consumer.close()
            self.done["another application"] += 1
        except (KafkaError, OSError):
            return
