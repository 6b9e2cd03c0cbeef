"""A position beyond its log's end: a leader that is not up to date yet, or a topic that was made anew."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from schemas.errors import Fault
from streams.kafka.transport import Consumer
from streams.kafka.transport import consumer as module

PLACE = TP("donations", 3)
POSITION = 2969


class Reading:
    """A consumer at `POSITION`, as far as its log's end matters."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.end, self.crashes = 0.0, POSITION - 1, []
        monkeypatch.setattr(module, "monotonic", lambda: self.now)

        async def crash(fault: Fault) -> None:
            self.crashes.append(fault)

        thread = SimpleNamespace(highwater=lambda tp: self.end)
        self.consumer: Any = SimpleNamespace(
            _next={PLACE: POSITION}, _goals={}, _beyond_since={}, _thread=thread, crash=crash
        )

    def look(self, seconds: float) -> None:
        self.now += seconds
        asyncio.run(Consumer._note_goals(self.consumer))


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    return Reading(monkeypatch)


def test_a_new_leader_that_is_behind_for_a_moment_is_waited_for(reading: Reading) -> None:
    reading.look(0)
    reading.look(module.BEYOND_END_SECONDS - 1)
    assert reading.consumer._goals == {}, "caught up with an end that is not the log's"
    reading.end = POSITION + 5
    reading.look(2)
    assert reading.consumer._goals == {PLACE: POSITION + 5}
    assert reading.crashes == []


def test_a_log_that_stays_shorter_was_made_anew(reading: Reading) -> None:
    reading.look(0)
    reading.look(module.BEYOND_END_SECONDS + 1)
    [fault] = reading.crashes
    assert fault.whose == "kafka"
    assert "ends at offset 2968, but was read up to 2969: it was made anew" in fault.what
