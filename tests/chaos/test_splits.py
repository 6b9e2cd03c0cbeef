"""Which packets vanish in which split, and that splits which overlap end one by one."""

from __future__ import annotations

import random
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.chaos.faults import Faults
from tests.chaos.network import ROUTER, Pair
from tests.chaos.splits import KINDS, Splits, apart, flaps, of_a_broker, pairs_of

BROKERS = ("kafka-1", "kafka-2", "kafka-3")
WORKERS = ("attribution-1", "sink-1")
HOSTS = (*BROKERS, *WORKERS)


class Wires:
    """Remembers what was dropped last."""

    def __init__(self) -> None:
        self.dropped: frozenset[Pair] = frozenset()

    def drop(self, pairs: Collection[Pair]) -> None:
        self.dropped = frozenset(pairs)


def pairs(kind: str) -> frozenset[Pair]:
    return pairs_of(kind, "kafka-2", "sink-1", HOSTS, WORKERS)


def test_a_broker_alone_neither_hears_anybody_nor_is_heard() -> None:
    others = [host for host in HOSTS if host != "kafka-2"]
    assert pairs("broker alone") == {(a, b) for other in others for a, b in (("kafka-2", other), (other, "kafka-2"))}
    assert pairs("broker alone, from producers too") - pairs("broker alone") == {
        ("kafka-2", ROUTER),
        (ROUTER, "kafka-2"),
    }


def test_a_one_way_split_is_half_of_a_whole_one() -> None:
    assert pairs("broker unheard") | pairs("broker deaf") == pairs("broker alone")
    assert not pairs("broker unheard") & pairs("broker deaf")
    assert ("kafka-2", "kafka-1") in pairs("broker unheard")


def test_workers_without_a_broker_leave_the_cluster_whole() -> None:
    dropped = pairs("workers without a broker")
    assert dropped == apart(["kafka-2"], WORKERS)
    assert not any(a in BROKERS and b in BROKERS for a, b in dropped)


def test_a_worker_alone_does_not_reach_the_store_either() -> None:
    assert ("sink-1", ROUTER) in pairs("worker alone")
    assert pairs("worker without a broker") == apart(["sink-1"], ["kafka-2"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_is_of_no_broker_leaves_everybody_else_whole(kind: str) -> None:
    alone = all("sink-1" in pair for pair in pairs(kind))
    assert pairs(kind)
    assert of_a_broker(kind) != alone


def test_splits_that_overlap_end_one_by_one() -> None:
    wires = Wires()
    splits = Splits(cast(Any, wires))
    splits.begin(pairs("broker unheard"))
    splits.begin(pairs("broker alone"))
    assert wires.dropped == pairs("broker alone")
    splits.end(pairs("broker alone"))
    assert wires.dropped == pairs("broker unheard")
    splits.end(pairs("broker alone"))
    splits.end(pairs("broker unheard"))
    assert wires.dropped == frozenset()


def test_what_flaps_ends_whole() -> None:
    for seed in range(50):
        moments = flaps(random.Random(seed), 20.0)
        assert moments[0] == 0.0
        assert moments == sorted(moments)
        assert len(moments) % 2 == 0, "goes, comes, goes, comes"


def test_without_a_network_no_split_is_drawn_and_what_is_left_out_neither() -> None:
    world = cast(Any, SimpleNamespace(splits=None))
    drawn = {fault.__name__ for fault in Faults(world, random.Random(1), ["poison"])._weighted}
    assert not {"split", "_poison"} & drawn
    assert {"_kill", "freeze", "_step_clock"} <= drawn
