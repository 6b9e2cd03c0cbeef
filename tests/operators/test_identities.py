"""A set of identities is the same set packed, unpacked, and as bytes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_logs import tried
from wiring import START_MS, Record, campaign_of

from schemas.codec import Codec
from schemas.times import rfc3339
from schemas.topics import DONATIONS
from streams.operators.identities import FRESH_AT_LEAST, FRESH_PART, Identities, are_new, identities_of

IDENTITY_OF_ONE = 16_549_847_363_815_913_765

numbers = st.one_of(st.integers(0, 20), st.integers(0, 2**64 - 1))
steps = st.lists(st.one_of(numbers, st.sampled_from(("pack", "bytes"))), max_size=60)


@tried(150)
@given(steps, numbers)
def test_packing_and_bytes_change_nothing(done: list[int | str], asked: int) -> None:
    identities, plain = Identities(), set[int]()
    for step in done:
        if step == "pack":
            identities.pack()
        elif step == "bytes":
            identities = Identities(identities.to_bytes())
        else:
            assert isinstance(step, int)
            assert identities.add(step) == (step not in plain)
            plain.add(step)
    assert len(identities) == len(plain)
    assert (asked in identities) == (asked in plain)
    assert all(number in identities for number in plain)
    assert len(identities.to_bytes()) == 8 * len(plain)


def identity(campaign_id: str, referral_id: str | None, occurred_ms: int, event_id: str) -> int:
    """Of one event, by way of the codec's columns."""
    codec = Codec({name: campaign_of(name, "USD") for name in ("door", "yen")}, 1)
    name = campaign_id if referral_id is None else referral_id
    event = {"event_id": event_id, "campaign_id": campaign_id, "referral_id": referral_id, "schema_version": 1}
    gift = {"donation_id": "g-1", "kind": "donation", "amount": "5", "currency": "USD", "tie": "weak"}
    value = msgspec.json.encode({**event, **gift, "occurred_at": rfc3339(occurred_ms)})
    judged = codec.judge_batch(DONATIONS, 0, [Record(0, occurred_ms, name.encode(), value)])
    assert not judged.rejections
    return int(identities_of(campaign_id, judged.accepted)[0])


ONE = "21eec897-ceef-4ef4-bf4e-82622f7ed600"


def test_an_identity_is_the_same_in_every_process() -> None:
    program = f"from test_identities import identity, ONE; print(identity('door', 'r1', {START_MS}, ONE))"
    here = Path(__file__).resolve().parent
    path = os.pathsep.join((str(here), str(here.parents[1])))
    command, environment = [sys.executable, "-c", program], {**os.environ, "PYTHONPATH": path}
    printed = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    assert int(printed) == identity("door", "r1", START_MS, ONE) == IDENTITY_OF_ONE


def test_an_identity_hangs_on_campaign_referral_time_and_id_in_any_case() -> None:
    one = identity("door", "r1", START_MS, ONE)
    assert one == identity("door", "r1", START_MS, ONE.upper())
    others = [
        identity("yen", "r1", START_MS, ONE),
        identity("door", "r2", START_MS, ONE),
        identity("door", "r1", START_MS + 1, ONE),
        *(identity("door", "r1", START_MS, str(UUID(int=UUID(ONE).int ^ 1 << bit))) for bit in range(128)),
    ]
    assert len({one, *others}) == len(others) + 1


@pytest.mark.parametrize("name", ["None", "door", "nobody"])
def test_a_gift_without_a_referral_is_not_one_of_a_referral_of_any_name(name: str) -> None:
    assert identity("door", None, START_MS, ONE) != identity("door", name, START_MS, ONE)


batches = st.lists(st.lists(st.tuples(st.sampled_from((60, 120, 180)), numbers), max_size=40), max_size=6)


@tried(150)
@given(batches, st.booleans())
def test_of_a_batch_those_are_new_that_one_by_one_would_be(arrived: list[list[tuple[int, int]]], pack: bool) -> None:
    seen: dict[int, Identities] = {}
    plain: set[tuple[int, int]] = set()
    for batch in arrived:
        expected = []
        for one in batch:
            expected.append(one not in plain)
            plain.add(one)
        ends, identities = np.array([end for end, _ in batch], np.int64), [number for _, number in batch]
        assert are_new(seen, ends, np.array(identities, np.uint64)).tolist() == expected
        if pack:
            for ids in seen.values():
                ids.pack()
    assert {(end, number) for end, ids in seen.items() for number in (*ids.fresh, *ids.packed)} == plain
    assert sum(map(len, seen.values())) == len(plain)


@pytest.mark.parametrize("number", [500, 20_000])
def test_a_slice_that_is_filled_in_one_go_is_mostly_packed(number: int) -> None:
    identities, dice = Identities(), random.Random(number)
    for done in range(1, number + 1):
        assert identities.add(dice.getrandbits(64))
        assert len(identities.fresh) <= max(FRESH_AT_LEAST, done // FRESH_PART)
    assert list(identities.packed) == sorted(identities.packed)
    assert len(identities) == number
