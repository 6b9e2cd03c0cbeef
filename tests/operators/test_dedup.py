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
from random_logs import CODEC, logs_of, tried
from wiring import PROCESSOR, START_MS, Logs, Record, begun, campaign_of, event_fields, fold_all
from xxhash import xxh3_64_intdigest

from schemas.codec import Codec
from schemas.codec.fast_path import hash_of
from schemas.times import rfc3339
from schemas.topics import CLICKS, DONATIONS
from streams.operators.attribution.dedup import FRESH_AT_LEAST, FRESH_PART, Identities, filter_new, identities_of
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.siphash import siphash

KEY = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
IDENTITY_OF_ONE = 4_544_643_348_658_339_059

numbers = st.one_of(st.integers(0, 20), st.integers(0, 2**64 - 1))
steps = st.lists(st.one_of(numbers, st.sampled_from(("pack", "bytes"))), max_size=60)


@tried(150)
@given(steps, numbers)
def test_packing_and_bytes_change_nothing(done: list[int | str], asked: int) -> None:
    identities, plain = Identities(), set[int]()
    for step in done:
        if step == "pack":
            identities.compact()
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
    judged = codec.validate_batch(DONATIONS, 0, [Record(0, occurred_ms, name.encode(), value)])
    assert not judged.rejections
    return int(identities_of(KEY, campaign_id, judged.accepted)[0])


ONE = "21eec897-ceef-4ef4-bf4e-82622f7ed600"


def test_an_identity_is_the_same_in_every_process() -> None:
    program = f"from test_dedup import identity, ONE; print(identity('door', 'r1', {START_MS}, ONE))"
    here = Path(__file__).resolve().parent
    path = os.pathsep.join(map(str, (here, *here.parents[:2])))
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


def scalar(key: tuple[int, int], message: bytes, rounds: int, end_rounds: int) -> int:
    """SipHash as its paper has it, one number at a time."""
    mask = 2**64 - 1
    a, b = key[0] ^ 0x736F6D6570736575, key[1] ^ 0x646F72616E646F6D
    c, d = key[0] ^ 0x6C7967656E657261, key[1] ^ 0x7465646279746573

    def turned(word: int, by: int) -> int:
        return (word << by | word >> (64 - by)) & mask

    def one_round() -> None:
        nonlocal a, b, c, d
        a = (a + b) & mask
        b = turned(b, 13) ^ a
        a = turned(a, 32)
        c = (c + d) & mask
        d = turned(d, 16) ^ c
        a = (a + d) & mask
        d = turned(d, 21) ^ a
        c = (c + b) & mask
        b = turned(b, 17) ^ c
        c = turned(c, 32)

    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) & 0xFF])
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start : start + 8], "little")
        d ^= word
        for _ in range(rounds):
            one_round()
        a ^= word
    c ^= 0xFF
    for _ in range(end_rounds):
        one_round()
    return a ^ b ^ c ^ d


def test_the_plain_hash_gives_the_vector_of_the_paper() -> None:
    assert scalar(KEY, bytes(range(15)), 2, 4) == 0xA129CA6149BE45E5


@tried(100)
@given(st.tuples(numbers, numbers), st.lists(st.lists(numbers, min_size=5, max_size=5), min_size=1, max_size=9))
def test_many_are_hashed_at_once_as_each_by_itself(key: tuple[int, int], rows: list[list[int]]) -> None:
    columns = np.array(rows, np.uint64).T
    expected = [scalar(key, b"".join(word.to_bytes(8, "little") for word in row), 1, 3) for row in rows]
    assert siphash(key, list(columns)).tolist() == expected


def _mixed(word: int) -> int:
    """One step of the mix that identities had before, the finalizer of SplitMix64."""
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return word ^ word >> 31


def test_two_clicks_that_met_in_the_mix_of_before_are_two() -> None:
    """Their first halves are chosen, and the second half of the other is solved for: no key was in the way."""
    before = xxh3_64_intdigest(b"door")
    for part in (hash_of("r1"), START_MS):
        before = _mixed(before ^ part)
    first, second = 0x1234567812344678, 0x8234567812345678
    other_first = first ^ 1 << 63
    other_second = _mixed(before ^ first) ^ second ^ _mixed(before ^ other_first)
    assert _mixed(_mixed(before ^ first) ^ second) == _mixed(_mixed(before ^ other_first) ^ other_second)
    pair = [str(UUID(int=high << 64 | low)) for high, low in ((first, second), (other_first, other_second))]
    assert identity("door", "r1", START_MS, pair[0]) != identity("door", "r1", START_MS, pair[1])

    logs, state = Logs(1), begun(0)
    for event_id in pair:
        logs.event(CLICKS, {**event_fields(0, START_MS, "door", "r1"), "event_id": event_id}, START_MS)
    fold_all(AttributionOperator(Codec({"door": campaign_of("door", "USD")}, 1), PROCESSOR), state, logs)
    assert (state.tallies[CLICKS].accepted, state.tallies[CLICKS].duplicates) == (2, 0)


def test_no_verdict_depends_on_the_key() -> None:
    tallies = []
    for key in ((0, 0), KEY):
        state, logs = begun(0), logs_of(3, 200)
        state.key = key
        fold_all(AttributionOperator(CODEC, PROCESSOR), state, logs)
        tallies.append(state.tallies)
    assert tallies[0] == tallies[1]
    assert sum(tally.duplicates for tally in tallies[0].values()) > 0


batches = st.lists(st.lists(st.tuples(st.sampled_from((60, 120, 180)), numbers), max_size=40), max_size=6)


@tried(150)
@given(batches, st.booleans())
def test_of_a_batch_those_are_new_that_one_by_one_would_be(arrived: list[list[tuple[int, int]]], compact: bool) -> None:
    seen: dict[int, Identities] = {}
    plain: set[tuple[int, int]] = set()
    for batch in arrived:
        expected = []
        for one in batch:
            expected.append(one not in plain)
            plain.add(one)
        ends, identities = np.array([end for end, _ in batch], np.int64), [number for _, number in batch]
        assert filter_new(seen, ends, np.array(identities, np.uint64)).tolist() == expected
        if compact:
            for ids in seen.values():
                ids.compact()
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
