"""Which packets vanish in each kind of split, and which splits there are at this moment."""

from __future__ import annotations

import random
from collections.abc import Collection
from itertools import product
from typing import Final

from tests.chaos.network import ROUTER, Network, Pair

Pairs = frozenset[Pair]

KINDS: Final = (
    "broker alone",  # from the other brokers and all workers
    "broker alone, from producers too",
    "broker unheard",  # it hears everybody, nobody hears it
    "broker deaf",
    "workers without a broker",  # the cluster is whole: no leader moves
    "worker alone",  # from all brokers and the store
    "worker without a broker",
    "broker flapping",
    "worker flapping",
)
FLAPPING: Final = "flapping"


def apart(ones: Collection[str], others: Collection[str]) -> Pairs:
    """Both directions between these and those."""
    return one_way(ones, others) | one_way(others, ones)


def one_way(senders: Collection[str], receivers: Collection[str]) -> Pairs:
    return frozenset((sender, receiver) for sender, receiver in product(senders, receivers) if sender != receiver)


def pairs_of(kind: str, broker: str, worker: str, hosts: Collection[str], workers: Collection[str]) -> Pairs:
    """What a split of that kind drops; each uses of `broker` and `worker` what it needs.

    Args:
        hosts: all brokers and workers.
    """
    match kind:
        case "broker alone" | "broker flapping":
            return apart([broker], hosts)
        case "broker alone, from producers too":
            return apart([broker], [*hosts, ROUTER])
        case "broker unheard":
            return one_way([broker], hosts)
        case "broker deaf":
            return one_way(hosts, [broker])
        case "workers without a broker":
            return apart([broker], workers)
        case "worker alone" | "worker flapping":
            return apart([worker], [*hosts, ROUTER])
        case "worker without a broker":
            return apart([worker], [broker])
        case _:
            raise ValueError(f"{kind!r} is no kind of split")


def of_a_broker(kind: str) -> bool:
    """Whether one of three brokers is not what it was for the cluster or for all workers."""
    return kind.startswith("broker") or kind == "workers without a broker"


class Splits:
    """The splits of this moment; several may last at once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._lasting: list[Pairs] = []

    def begin(self, pairs: Pairs) -> None:
        self._lasting.append(pairs)
        self._apply()

    def end(self, pairs: Pairs) -> None:
        """One that does not last any more is no error: a flapping one may be in a pause."""
        if pairs in self._lasting:
            self._lasting.remove(pairs)
            self._apply()

    def _apply(self) -> None:
        self._network.drop(frozenset[Pair]().union(*self._lasting))


def flaps(dice: random.Random, seconds: float) -> list[float]:
    """Moments, in seconds from its begin, at which a flapping link goes, comes, goes, ...; the last is its end."""
    moments = [0.0]
    while moments[-1] < seconds:
        moments.append(moments[-1] + dice.uniform(0.3, 3.0))
    return moments if len(moments) % 2 == 0 else moments[:-1]
