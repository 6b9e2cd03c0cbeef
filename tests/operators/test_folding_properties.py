"""Attribution is a fold of the log: any interleaving, split, pause and restart ends in the same state.

The truth is the batch oracle's, which shares nothing with the operators but the contracts.
"""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from looking import counters_of, orphans_of, owners_of
from random_logs import CODEC, random_logs, tried
from wiring import PARTITIONS, PROCESSOR, Logs, begun, differences_of_tallies, drained

from schemas.slices import Entity
from schemas.topics import ATTRIBUTION_INPUTS
from streams.audit.oracle import Oracle
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.snapshot import fingerprint_of, from_bytes, to_bytes
from streams.operators.attribution.state import Attribution, compact
from streams.operators.counters import Counters

FINGERPRINT = fingerprint_of(CODEC)
Letter = tuple[str, int, int]


def folded(logs: Logs, partition: int, random: Random, letters: dict[Letter, str]) -> Attribution:
    """The state at the end of the logs, reached on a random way with restarts from any prefix."""
    folder = AttributionOperator(CODEC, PROCESSOR)
    state = begun(partition)
    saved = [to_bytes(state, FINGERPRINT)]
    restarts = 3
    while any(state.positions[topic] < end for topic, end in logs.ends(partition).items()):
        topic = random.choice(ATTRIBUTION_INPUTS)
        log, start = logs.records[topic, partition], state.positions[topic]
        end = random.randint(start, min(len(log), start + 5))
        folder.step(state, topic, log[start:end], end)
        match random.randrange(8):
            case 1:
                _drain(state, logs, letters)
            case 2:
                compact(state, random.choice((0, state.clock // 1000, 2**40)))
            case 3:
                _drain(state, logs, letters)
                saved.append(to_bytes(state, FINGERPRINT))
                state = from_bytes(saved[-1], partition, FINGERPRINT)
            case 4 if restarts:
                restarts -= 1
                state = from_bytes(random.choice(saved), partition, FINGERPRINT)
    _drain(state, logs, letters)
    return state


def _drain(state: Attribution, logs: Logs, letters: dict[Letter, str]) -> None:
    for letter in drained(state, logs).letters:
        place = (letter.topic, letter.source_partition, letter.source_offset)
        # Whoever says it again says the same.
        assert letters.setdefault(place, f"{letter.reason} {letter.field} {letter.value}") == (
            f"{letter.reason} {letter.field} {letter.value}"
        )


def summed(states: list[Attribution]) -> dict[tuple[Entity, int], Counters]:
    """What all partitions have together; what came to nothing left out."""
    total: dict[tuple[Entity, int], Counters] = {}
    for state in states:
        for key, counters in counters_of(state.slice_table).items():
            total.setdefault(key, Counters()).add(counters)
    return {key: counters for key, counters in total.items() if not counters.is_zero()}


def true_slices(oracle: Oracle) -> dict[tuple[Entity, int], Counters]:
    return {
        (entity, end): Counters(tally.counts, tally.money)
        for entity, by_end in oracle.slices.items()
        for end, tally in by_end.items()
    }


@tried(250)
@given(random_logs(), st.integers(0, 2**32))
def test_every_way_of_folding_ends_where_the_oracle_does(logs: Logs, seed: int) -> None:
    random, letters = Random(seed), dict[Letter, str]()
    states = [folded(logs, partition, random, letters) for partition in range(PARTITIONS)]
    oracle = Oracle(logs.sources(), CODEC)
    assert summed(states) == true_slices(oracle)
    assert list(differences_of_tallies(states, oracle)) == []
    assert letters == {
        (dead.record.topic, dead.record.partition, dead.record.offset): (
            f"{dead.rejection.reason} {dead.rejection.field} {dead.rejection.value}"
        )
        for dead in oracle.verdicts.dead_letters
    }


@tried(100)
@given(random_logs(), st.integers(0, 2**32), st.integers(0, 2**32))
def test_two_ways_of_folding_end_in_the_same_state(logs: Logs, one: int, other: int) -> None:
    for partition in range(PARTITIONS):
        first = folded(logs, partition, Random(one), {})
        second = folded(logs, partition, Random(other), {})
        assert (owners_of(first), orphans_of(first)) == (owners_of(second), orphans_of(second))
        assert summed([first]) == summed([second])
        assert (first.positions, first.tallies) == (second.positions, second.tallies)
        assert _clocks(first) == _clocks(second)
        assert _ids(first) == _ids(second)
        assert first.version == second.version


def _clocks(state: Attribution) -> dict[str, int]:
    return {topic: clock for topic, clock in state.clocks.items() if clock}


def _ids(state: Attribution) -> dict[tuple[str, int], bytes]:
    return {
        (topic, end): identities.to_bytes()
        for topic, by_end in state.identities.items()
        for end, identities in by_end.items()
        if len(identities)
    }


@tried(100)
@given(random_logs(), st.integers(0, 2**32))
def test_members_of_each_dimension_add_up_to_the_campaign(logs: Logs, seed: int) -> None:
    for partition in range(PARTITIONS):
        state = folded(logs, partition, Random(seed), {})
        sums: dict[tuple[str, str, int], Counters] = {}
        for (entity, end), counters in counters_of(state.slice_table).items():
            sums.setdefault((entity.campaign_id, entity.dimension, end), Counters()).add(counters)
        for (campaign, _dimension, end), counters in sums.items():
            assert counters == sums[campaign, "campaign", end]
