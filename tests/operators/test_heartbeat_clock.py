"""Heartbeats move the clock, unless their time is nobody's."""

from __future__ import annotations

import pytest
from random_logs import CODEC
from wiring import PROCESSOR, START_MS, Record

from schemas.times import YEAR_2000_MS, YEAR_2100_MS
from schemas.topics import HEARTBEATS
from streams.operators.attribution import Attribution, Folder


def clock_after(*times_ms: int) -> Attribution:
    state = Attribution(0)
    beats = [Record(offset, time_ms, b"0", b"") for offset, time_ms in enumerate(times_ms)]
    Folder(CODEC, PROCESSOR).step(state, HEARTBEATS, beats, len(beats))
    return state


@pytest.mark.parametrize("absurd", [-1, 0, YEAR_2000_MS - 1, YEAR_2100_MS, 1_795_311_000_000_000, 2**63 - 1])
def test_an_absurd_heartbeat_is_read_and_does_not_move_the_clock(absurd: int) -> None:
    state = clock_after(START_MS, absurd, START_MS + 1)
    assert (state.clock, state.positions[HEARTBEATS]) == (START_MS + 1, 3)
    assert clock_after(absurd).clock == 0


@pytest.mark.parametrize("sane", [YEAR_2000_MS, YEAR_2100_MS - 1])
def test_a_heartbeat_of_this_century_moves_the_clock(sane: int) -> None:
    assert clock_after(sane).clock == sane
