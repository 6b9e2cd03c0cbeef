"""The law of the driver, held while a machine rebalances, loses, repeats, delays and drops as Faust may.

An agent sees every offset of its partitions in order, exactly once an epoch; rewinds end; nothing is committed.  The
driver is the real one, and so are Faust's consumer, drain loop, queue and flow control.  Each rule that is taken out of
the driver must be missed: a model that finds nothing shows nothing.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from faust.types import TP
from ordeal import Ordeal

from streams.kafka.transport import Batch, Consumer

EXAMPLES: Final = int(os.environ.get("GROUNDSWELL_EXAMPLES", "200"))  # 5000 looks further
STEPS: Final = 120


def endured(seed: int) -> Counter[str]:
    ordeal = Ordeal(seed)
    try:
        ordeal.endure(STEPS)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    return ordeal.passed


@pytest.mark.slow
def test_the_law_holds_whatever_comes() -> None:
    """And it was put to the test: every step was taken, and the driver had to mend."""
    passed: Counter[str] = Counter()
    for seed in range(EXAMPLES):
        passed += endured(seed)
    assert min(passed.values()) > EXAMPLES // 4, passed
    assert passed.keys() >= {"lose", "slip", "drop", "repeat", "revoke", "rewinds"}


# ---- what each rule is good for --------------------------------------------------------------------------


async def _next_batch_unchecked(self: Consumer, tp: TP, fetched: list[Any], generation: int) -> Batch | None:
    want = self._next.get(tp)
    if want is None or self._is_overtaken(tp, want, generation):
        return None
    records = [record for record in fetched if record.offset >= want]
    return self._deliver(tp, records, want) if records else None


async def _batches_unchecked(self: Consumer, stream: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
    async for batch in stream:
        if batch.tp in self._next and batch.epoch == self._epochs[batch.tp]:
            yield batch


def _acknowledged(self: Consumer, tp: TP) -> int | None:
    return max(self._acked[tp], default=-1) + 1 or None


_rewind = Consumer._rewind


def _rewind_keeping_what_was_sought(self: Consumer, tp: TP, why: str) -> None:
    sought = dict(self._sought)
    _rewind(self, tp, why)
    self._sought.update(sought)


_is_gap, _is_overtaken = Consumer._is_gap, Consumer._is_overtaken
_ASKING: Final[set[int]] = set()


async def _is_gap_noted(self: Consumer, tp: TP, want: int) -> bool:
    _ASKING.add(id(self))
    return await _is_gap(self, tp, want)


def _is_overtaken_before_asking(self: Consumer, tp: TP, want: int, generation: int) -> bool:
    if id(self) in _ASKING:
        _ASKING.remove(id(self))
        return False
    return _is_overtaken(self, tp, want, generation)


async def _seek_nowhere(self: Consumer) -> None:
    self._to_seek.clear()


def _never(*_: Any) -> bool:
    return False


def _nothing(*_: Any) -> None:
    return None


# Taken out of the driver, and what is seen of it.
MUTATIONS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "no check of what is fetched": ({"_next_batch": _next_batch_unchecked}, "the agent sees"),
    "no check before the agent": ({"batches": _batches_unchecked}, "the agent sees"),
    "neither check": ({"_next_batch": _next_batch_unchecked, "batches": _batches_unchecked}, "the agent sees"),
    "answers from before a rebalance": ({"_is_overtaken": _never}, "not assigned|seen to|the agent sees"),
    "a hole that is asked about while a rebalance comes": (
        {"_is_gap": _is_gap_noted, "_is_overtaken": _is_overtaken_before_asking},
        "not assigned|KeyError|the agent sees",
    ),
    "no rewind after silence": ({"_heal": _nothing}, "seen to"),
    "no seek": ({"_seek_where_asked": _seek_nowhere}, "the agent sees|seen to"),
    "an assignment that was revoked meanwhile": (
        {"_held": property(lambda _: Consumer, _nothing)},
        "not assigned|No current assignment",
    ),
    "a commit of what Faust calls acknowledged": ({"_new_offset": _acknowledged}, "committed is"),
    "a rewind that keeps what was sought": ({"_rewind": _rewind_keeping_what_was_sought}, "the agent sees"),
}
# Where the search for a rare one begins, so that it does not take long.
FIRST_SEEDS: Final = {"a hole that is asked about while a rebalance comes": 770, "no rewind after silence": 245}


@pytest.mark.slow
@pytest.mark.parametrize(("changes", "seen"), MUTATIONS.values(), ids=MUTATIONS)
def test_a_rule_that_is_taken_out_is_missed(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, changes: dict[str, Any], seen: str
) -> None:
    for name, change in changes.items():
        monkeypatch.setattr(Consumer, name, change, raising=False)
    first = FIRST_SEEDS.get(request.node.callspec.id, 0)
    with pytest.raises(AssertionError, match=seen):
        deque(map(endured, range(first, first + 1_000)), maxlen=0)
