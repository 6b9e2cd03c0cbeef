"""The watchdog over real event loops: one that turns, one that hangs, one that stands still in front of a lag."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from streams.monitoring import watchdog as module
from streams.monitoring.health import WorkerSnapshot
from streams.monitoring.metrics import Sample
from streams.monitoring.watchdog import Watchdog

Look = Callable[[], tuple[WorkerSnapshot, Sequence[Sample]]]


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)


@contextmanager
def watched(look: Look, stuck_after: float = 60.0, hung_after: float = 60.0) -> Iterator[tuple[Watchdog, list[int]]]:
    """A watchdog over a loop of its own thread, and the exit codes with which it gave up."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    codes: list[int] = []
    dog = Watchdog(loop, look, stuck_after, hung_after, stuck_after, codes.append)
    thread.start()
    dog.start()
    try:
        yield dog, codes
    finally:
        dog.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def idle() -> tuple[WorkerSnapshot, Sequence[Sample]]:
    return WorkerSnapshot({}, {}, assigned=0), [Sample("rewinds", (), 3)]


def test_a_loop_that_turns_is_left_alone_and_its_figures_are_told() -> None:
    with watched(idle, hung_after=5.0) as (dog, codes):
        assert until(lambda: Sample("rewinds", (), 3) in dog.figures())
        assert Sample("ready", (), 1.0) in dog.figures()
        time.sleep(0.3)
        assert codes == []


def test_a_loop_that_hangs_is_ended() -> None:
    seconds = iter([1.5])  # once: the watchdog asks for more looks meanwhile, and all of them would hang

    def hang() -> tuple[WorkerSnapshot, Sequence[Sample]]:
        time.sleep(next(seconds, 0.0))
        return idle()

    with watched(hang, hung_after=0.4) as (dog, codes):
        assert until(lambda: codes == [1])
        assert "hung" in str(dog.judge().trouble)
        assert Sample("healthy", (), 0.0) in dog.figures()


def test_a_worker_that_stands_still_in_front_of_a_lag_is_ended() -> None:
    def behind() -> tuple[WorkerSnapshot, Sequence[Sample]]:
        return WorkerSnapshot({"a": 1}, {"a": 2}, assigned=1, ready=1), []

    with watched(behind, stuck_after=0.3) as (_, codes):
        assert until(lambda: codes == [1])


def test_a_member_that_never_gets_a_share_is_ended() -> None:
    with watched(lambda: (WorkerSnapshot({}, {}), []), stuck_after=0.3) as (_, codes):
        assert until(lambda: codes == [1])


def test_a_pause_of_the_whole_process_is_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSED_SECONDS", 0.0)  # every sleep looks like a pause
    with watched(idle, hung_after=0.01) as (_, codes):
        time.sleep(0.3)
        assert codes == []
