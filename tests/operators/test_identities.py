"""A set of identities is the same set packed, unpacked, and as bytes."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_logs import tried

from streams.operators.identities import FRESH_AT_LEAST, FRESH_PART, Identities, identity_of

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


def test_an_identity_is_the_same_in_every_process() -> None:
    program = "from streams.operators.identities import identity_of; print(identity_of('door', 'r1', 1, 'AB'))"
    root = Path(__file__).resolve().parents[2]
    printed = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, check=True).stdout
    assert int(printed) == identity_of("door", "r1", 1, "AB") == 11_476_687_932_778_993_094


def test_an_identity_hangs_on_campaign_referral_time_and_id_in_any_case() -> None:
    one = identity_of("door", "r1", 1, "ab")
    assert one == identity_of("door", "r1", 1, "AB")
    others = [("yen", "r1", 1, "ab"), ("door", "r2", 1, "ab"), ("door", "r1", 2, "ab"), ("door", "r1", 1, "ac")]
    assert all(identity_of(*other) != one for other in others)


def test_a_gift_without_a_referral_is_not_one_of_a_referral_called_none() -> None:
    assert identity_of("door", None, 1, "ab") != identity_of("door", "None", 1, "ab")


@pytest.mark.parametrize("number", [500, 20_000])
def test_a_slice_that_is_filled_in_one_go_is_mostly_packed(number: int) -> None:
    identities, dice = Identities(), random.Random(number)
    for done in range(1, number + 1):
        assert identities.add(dice.getrandbits(64))
        assert len(identities.fresh) <= max(FRESH_AT_LEAST, done // FRESH_PART)
    assert list(identities.packed) == sorted(identities.packed)
    assert len(identities) == number
