"""What a flush of attribution publishes: the absolute value of every dirty slice, dead letters, and the progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from schemas.dead_letters import DeadLetter
from schemas.slices import SLICES_SCHEMA, Entity, Progress, SliceWriter
from schemas.topics import SOURCES
from streams.operators.attribution.state import Attribution, mark_unattributed_dirty


@dataclass(frozen=True)
class LogEnds:
    """End offsets by topic, as the agent knows them; `idle`: every log was read to its end.

    `seen_ms`: the wall clock, epoch milliseconds, at which the broker answered with the oldest of these end offsets;
    None: now.
    """

    ends: Mapping[str, int]
    idle: bool
    seen_ms: int | None = None


@dataclass(frozen=True)
class Flush:
    """What one flush publishes: the rows that were dirty when it began, then the progress that vouches for them."""

    letters: list[DeadLetter]
    dirty: NDArray[np.intp]
    progress: Progress


def begin_flush(
    state: Attribution, incarnation: str, log_ends: LogEnds, now_ms: int | None, fingerprint: str = ""
) -> Flush:
    """Take every dirty row; the state is clean afterwards, and what changes from now on belongs to the next flush.

    Args:
        incarnation: the writer's, the last part of every key; the first flush of a new one also overwrites
            unattributed slices that a predecessor may have published on another way to this state.
        now_ms: the wall clock in live use, so that a silent partition ticks on; None when history is played.
        fingerprint: of the writer's settings.
    """
    if incarnation != state.last_incarnation:
        mark_unattributed_dirty(state)
        state.last_incarnation = incarnation
    dirty, letters = state.slice_table.take_dirty(), state.letters
    state.letters = []
    return Flush(letters, dirty, _progress(state, incarnation, log_ends, now_ms, fingerprint))


def encode_slices(
    state: Attribution, rows: NDArray[np.intp], incarnation: str
) -> Iterator[tuple[Entity, list[tuple[bytes, bytes]]]]:
    """Keys and values of these slices, by entity, as they are now and under the version of now.

    A slice that has changed since the flush began is published with its newer counters: they include the older ones.
    """
    writer = SliceWriter(state.partition, incarnation, state.version)
    for number, of_entity in groupby(state.slice_table.values(rows), key=itemgetter(0)):
        entity = state.slice_table.entities[number]
        yield entity, writer.records(entity, of_entity)


def _progress(
    state: Attribution, incarnation: str, log_ends: LogEnds, now_ms: int | None, fingerprint: str
) -> Progress:
    state.feeds.confirm(state.positions)
    tallies = state.tallies
    return Progress(
        schema=SLICES_SCHEMA,
        source_partition=state.partition,
        incarnation=incarnation,
        version=state.version,
        clock=state.clock if now_ms is None else _complete(state, log_ends, now_ms),
        idle=log_ends.idle,
        positions={topic: state.positions.get(topic, 0) for topic in SOURCES},
        begins={topic: state.begins.get(topic, 0) for topic in SOURCES},
        ends={topic: log_ends.ends.get(topic, 0) for topic in SOURCES},
        accepted={topic: tallies[topic].accepted for topic in SOURCES},
        duplicates={topic: tallies[topic].duplicates for topic in SOURCES},
        dead_lettered={topic: tallies[topic].dead_lettered for topic in SOURCES},
        late={topic: tallies[topic].late for topic in SOURCES},
        passed_over={topic: tallies[topic].passed_over for topic in SOURCES},
        complete=_complete(state, log_ends, now_ms),
        feeds={**state.feeds.newest, **state.feeds.played},
        silences={key: list(silences) for key, silences in state.feeds.silences.items()},
        live=now_ms is not None,
        forgotten=state.forgotten,
        fingerprint=fingerprint,
    )


def folded_up_to(state: Attribution, ends: Mapping[str, int]) -> int:
    """The newest record time that was folded, epoch milliseconds; where topics lag, of the one furthest behind.

    A small topic is soon read to its end and would hide that a large one is not.
    """
    lagging = [topic for topic in SOURCES if state.positions.get(topic, 0) < ends.get(topic, 0)]
    clocks = [state.clocks[topic] for topic in lagging if topic in state.clocks]
    return min(clocks, default=state.clock)


def _complete(state: Attribution, log_ends: LogEnds, now_ms: int | None) -> int:
    """Up to when, epoch milliseconds, everything is folded as far as it can be known."""
    if now_ms is None and state.feeds.has_player:
        return state.feeds.played_up_to
    # A topic that is read to its end holds nobody up: it may be silent for hours.
    lagging = [topic for topic in SOURCES if state.positions.get(topic, 0) < log_ends.ends.get(topic, 0)]
    if now_ms is None:
        return min([state.clock, *(state.clocks.get(topic, 0) for topic in lagging)])
    # One record of a machine whose clock is fast must not hide that its topic lags: see `HorizonClock`.
    seen = now_ms if log_ends.seen_ms is None else min(now_ms, log_ends.seen_ms)
    return min([seen, *(state.horizons[topic].middle for topic in lagging)])
