"""The watchdog: a thread that has the event loop answer every second, and ends a worker that limps.

Law: a worker that hangs or does not get on (`vitals`) exits non-zero and its supervisor starts it again.  State
is a fold of the log, so ending at any moment loses nothing.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from streams.monitoring.health import Health, HealthStatus, WorkerSnapshot
from streams.monitoring.metrics import Sample

logger = logging.getLogger("groundswell.watchdog")

LOOK_SECONDS: Final = 1.0
# Slept much longer than asked: the whole process was paused (SIGSTOP, a laptop's lid), not the event loop alone.
PAUSED_SECONDS: Final = 5.0


class Watchdog:
    """Looks at one worker from outside its event loop.

    Args:
        loop: the worker's.
        look: what is to be seen of it, asked inside the loop.
        end: how the process ends; gives up all at once.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        look: Callable[[], tuple[WorkerSnapshot, Sequence[Sample]]],
        stuck_after: float,
        hung_after: float,
        share_after: float,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._loop = loop
        self._look = look
        self._end = end
        self._vitals = Health(stuck_after, hung_after, share_after, time.monotonic())
        self._figures: Sequence[Sample] = ()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; a worker that is being stopped has its own deadline."""
        self._stopped.set()

    def judge(self) -> HealthStatus:
        """How the worker is, now; from any thread."""
        return self._vitals.judge(time.monotonic())

    def figures(self) -> list[Sample]:
        """What was counted at the last look, and the judgement of now; from any thread."""
        judgement = self.judge()
        return [
            *self._figures,
            Sample("loop_delay_seconds", (), time.monotonic() - self._vitals.turned_at),
            Sample("healthy", (), float(judgement.trouble is None)),
            Sample("ready", (), float(judgement.missing is None)),
        ]

    def _watch(self) -> None:
        while not self._wait():
            if self._loop.is_closed():
                return
            try:
                self._loop.call_soon_threadsafe(self._turn)
            except RuntimeError:  # closed in between
                return
            trouble = self.judge().trouble
            if trouble is not None:
                self._give_up(trouble)
                return

    def _wait(self) -> bool:
        """Until the next look; whether there is none."""
        asleep = time.monotonic()
        is_over = self._stopped.wait(LOOK_SECONDS)
        if time.monotonic() - asleep > PAUSED_SECONDS:
            self._vitals.forgive(time.monotonic())
        return is_over

    def _turn(self) -> None:
        now = time.monotonic()
        self._vitals.turn(now)
        snapshot, self._figures = self._look()
        self._vitals.see(snapshot, now)

    def _give_up(self, trouble: str) -> None:
        logger.error("%s: ended, to be started again; nothing is lost", trouble)
        faulthandler.dump_traceback(all_threads=True)
        self._end(1)
