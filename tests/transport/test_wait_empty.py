"""Faust waits for acknowledgements at a rebalance and collects garbage meanwhile: not over the state."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from driven import Driven
from test_resting import Ring

from streams.transport import consumer as module


class Dropped(Ring):
    """A message that nobody will acknowledge, in a cycle."""

    acked = False
    refcount = 1


@pytest.fixture
def driven() -> Iterator[Driven]:
    driven = Driven((0, 0), has_state=True)
    yield driven
    driven.close()


def test_a_wait_for_acknowledgements_does_not_walk_the_state(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer: Any = driven.consumer
    monkeypatch.setattr(consumer, "_unacked_messages", {object()})
    collected: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda collect=gc.collect: collected.append(collect()))

    async def commit(*_: Any, **__: Any) -> bool:
        consumer._unacked_messages.clear()
        return True

    monkeypatch.setattr(consumer, "commit", commit)
    state = weakref.ref(Ring())
    driven.loop.run_until_complete(consumer.wait_empty())
    assert collected, "Faust asks for no collection any more: `wait_empty` can go"
    assert state() is not None


def test_a_dropped_message_in_a_cycle_holds_a_rebalance_up_for_a_moment_only(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPARED_SECONDS", 0.1)
    consumer: Any = driven.consumer
    gc.disable()
    try:
        consumer._unacked_messages.add(Dropped())
        waiting = asyncio.wait_for(consumer.wait_empty(), 30)
        driven.loop.run_until_complete(waiting)
    finally:
        gc.enable()
    assert not consumer._unacked_messages
