"""The garbage collector rests while it is asked to, and is as it was afterwards."""

from __future__ import annotations

import gc

import pytest

from streams.gc_tuning import gc_paused


def test_the_collector_rests_inside_and_works_again_after_an_error() -> None:
    seen: list[bool] = []

    def break_off() -> None:
        with gc_paused():
            seen.append(gc.isenabled())
            raise ValueError("broke")

    with pytest.raises(ValueError, match="broke"):
        break_off()
    assert [*seen, gc.isenabled()] == [False, True]


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with gc_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
