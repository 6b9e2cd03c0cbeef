"""Faust waits for acknowledgements at a rebalance and collects garbage meanwhile: not over the state."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace
from typing import Any

import pytest
from driven import Driven
from test_resting import Ring


def test_a_wait_for_acknowledgements_does_not_walk_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    driven = Driven((0, 0), has_state=True)
    try:
        consumer: Any = driven.consumer
        open_message = SimpleNamespace(acked=False, refcount=1)
        monkeypatch.setattr(consumer, "_unacked_messages", [open_message])
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
    finally:
        driven.close()
