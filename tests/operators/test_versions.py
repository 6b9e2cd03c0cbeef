"""Whoever reads `slices` and keeps the largest version of each slice over all incarnations ends with the full value.

Law: a worker that took over is silent until it has folded all that the logs held then.  The two last tests show
that the law is needed, and that the first ones can fail.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lives import Lives, Rules
from random_logs import CODEC, random_logs, tried
from test_folding_properties import true_slices
from wiring import PARTITIONS, START_MS, Logs, event_fields

from schemas.slices import Entity, Slice, SliceRecord
from streams.audit.oracle import Oracle
from streams.operators.counters import Counters


def kept(records: list[SliceRecord]) -> dict[tuple[Entity, int, int], Counters]:
    """What a reader keeps: by entity, minute and source partition the largest version, of equals the last."""
    newest: dict[tuple[Entity, int, int], Slice] = {}
    for record in records:
        if isinstance(record, Slice):
            key = Entity(record.campaign_id, record.dimension, record.member), record.end, record.source_partition
            if key not in newest or record.version >= newest[key].version:
                newest[key] = record
    return {key: Counters(record.counts, record.money) for key, record in newest.items()}


def is_full(logs: Logs, records: list[SliceRecord]) -> bool:
    total: dict[tuple[Entity, int], Counters] = {}
    for (entity, end, _partition), counters in kept(records).items():
        total.setdefault((entity, end), Counters()).add(counters)
    found = {key: counters for key, counters in total.items() if not counters.is_zero()}
    return found == true_slices(Oracle(logs.sources(), CODEC))


def lived(logs: Logs, seed: int, lives: int, rules: Rules) -> list[SliceRecord]:
    random, records = Random(seed), list[SliceRecord]()
    for partition in range(PARTITIONS):
        partition_lives = Lives(logs, partition, random, rules)
        partition_lives.play(lives)
        records += partition_lives.slices
    return records


@tried(300)
@given(random_logs(), st.integers(0, 2**32), st.integers(1, 3))
def test_the_largest_version_over_all_incarnations_is_the_full_value(logs: Logs, seed: int, lives: int) -> None:
    assert is_full(logs, lived(logs, seed, lives, Rules()))


@tried(100)
@given(random_logs(), st.integers(0, 2**32))
def test_two_incarnations_never_say_one_version_with_two_values(logs: Logs, seed: int) -> None:
    values: dict[tuple[str, str, str, int, int, int], tuple[list[int], dict[str, list[int]]]] = {}
    for record in lived(logs, seed, 3, Rules()):
        if isinstance(record, Slice):
            entity = (record.campaign_id, record.dimension, record.member)
            key = (*entity, record.end, record.source_partition, record.version)
            assert values.setdefault(key, (record.counts, record.money)) == (record.counts, record.money)


def busy_logs() -> Logs:
    """One referral's share and clicks, and many views of another link of the same partition."""
    logs = Logs()
    share = {"influencer_id": "ann", "channel": "blog", "kind": "original", "audience": 1, "tie": "strong"}
    logs.event("shares", event_fields(0, START_MS, "door", "r1", **share), START_MS)
    for number in range(1, 4):
        logs.event("clicks", event_fields(number, START_MS, "door", "r1"), START_MS)
    for number in range(4, 16):
        view = event_fields(number, START_MS + 600_000, "door", "r2", count=1, basis="measured")
        logs.event("impressions", view, START_MS)
    return logs


@pytest.mark.slow
def test_what_a_predecessor_called_unattributed_is_taken_back() -> None:
    logs = busy_logs()  # the predecessor reads clicks first, the successor shares
    assert all(is_full(logs, lived(logs, seed, 3, Rules())) for seed in range(300))


@pytest.mark.parametrize("dropped", [Rules(silent=False), Rules(fenced=False)], ids=["silence", "fence"])
def test_without_this_rule_a_partial_value_can_win(dropped: Rules) -> None:
    logs = busy_logs()
    assert not all(is_full(logs, lived(logs, seed, 3, dropped)) for seed in range(3000))
