"""The garbage collector rests or spares what there is while it is asked to, and is as it was afterwards."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from streams.collector import collector_resting, survivors_spared


def test_the_collector_rests_inside_and_works_again_after_an_error() -> None:
    seen: list[bool] = []

    def break_off() -> None:
        with collector_resting():
            seen.append(gc.isenabled())
            raise ValueError("broke")

    with pytest.raises(ValueError, match="broke"):
        break_off()
    assert [*seen, gc.isenabled()] == [False, True]


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collector_resting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


class Ring:
    """Garbage that only the collector can clear away."""

    def __init__(self) -> None:
        self.itself = self


def test_a_whole_collection_passes_over_what_there_was_before_and_takes_what_came_since() -> None:
    before = weakref.ref(Ring())

    async def collect() -> None:
        with survivors_spared(60):
            since = weakref.ref(Ring())
            gc.collect()
            assert before() is not None, "walked"
            assert since() is None, "not collected at all"

    asyncio.run(collect())
    gc.collect()
    assert before() is None, "spared for good"
