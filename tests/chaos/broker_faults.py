"""Faults of brokers and of the network between them and the workers."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from schemas.errors import Fault
from tests.chaos.splits import FLAPPING, KINDS, flaps, of_a_broker, pairs_of
from tests.chaos.timetable import Timetable
from tests.chaos.world import BROKERS, WORKERS, World

BROKER_SECONDS: Final = (4.0, 12.0)
FROZEN_SECONDS: Final = (2.0, 25.0)
# Shorter and longer than a session (6 s) and a broker's own (6 s); the longest ones are `tests.chaos.takeover`.
SPLIT_SECONDS: Final = (3.0, 25.0)
TAKEOVER: Final = 0.6  # chance that a fault of a broker or of the network comes with a takeover


class BrokerFaults:
    """One broker at a time: with two of three away nothing is promised.

    Args:
        done: counts what was done, by kind.
        ends: where the end of each is noted.
        kill_several: what makes workers take over from each other.
    """

    def __init__(
        self,
        world: World,
        dice: random.Random,
        done: Counter[str],
        ends: Timetable,
        kill_several: Callable[[], None],
    ) -> None:
        self._world = world
        self._dice = dice
        self._done = done
        self._ends = ends
        self._kill_several = kill_several
        self._in_trouble: int | None = None

    def break_broker(self) -> None:
        self._kill_node("broker killed", self._dice.choice(list(BROKERS)))

    def break_controller(self) -> None:
        node = self._controller()
        if node is not None:
            self._kill_node("controller killed", node)

    def _kill_node(self, kind: str, node: int) -> None:
        if not self._take_broker(node):
            return
        self._world.kafka.kill(node)
        self._done[kind] += 1

        def back() -> None:
            # The stack complains of workers that ended meanwhile: they are the supervisor's.
            with suppress(Fault):
                self._world.kafka.start_again(node)
            self._release_broker()

        self._ends.between(BROKER_SECONDS, back)

    def _take_broker(self, node: int) -> bool:
        """Whether this broker may get into trouble now."""
        if self._in_trouble is not None:
            return False
        self._in_trouble = node
        return True

    def _release_broker(self) -> None:
        self._in_trouble = None

    def freeze(self) -> None:
        """It takes connections, keeps them, and says nothing."""
        node = self._dice.choice(list(BROKERS))
        if not self._take_broker(node):
            return
        self._world.kill(BROKERS[node], signal.SIGSTOP)
        self._done["broker frozen"] += 1
        self._perhaps_take_over()

        def go_on() -> None:
            self._world.kill(BROKERS[node], signal.SIGCONT)
            self._release_broker()

        self._ends.between(FROZEN_SECONDS, go_on)

    def _perhaps_take_over(self) -> None:
        """Workers die when, or shortly after, a fault began: others load state and read logs amid it."""
        if self._dice.random() < TAKEOVER:
            self._done["takeovers amid it"] += 1
            self._ends.between((0.0, 3.0), self._kill_several)

    def split(self) -> None:
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
            self._ends.after(moment, partial(splits.begin if place % 2 else splits.end, pairs))
        self._done[f"split: {kind}"] += 1
        self._perhaps_take_over()

        def mend() -> None:
            splits.end(pairs)
            if of_a_broker(kind):
                self._release_broker()

        self._ends.after(moments[-1], mend)

    def _controller(self) -> int | None:
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=self._world.settings.brokers, request_timeout_ms=3000, bootstrap_timeout_ms=1000
            )
            try:
                return int(admin.describe_cluster()["controller_id"])
            finally:
                admin.close()
        except (KafkaError, OSError, KeyError):
            return None
