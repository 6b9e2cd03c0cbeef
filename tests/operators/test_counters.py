"""Counters form a commutative group, so the order of events cannot matter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from random_logs import tried

from schemas.events import Donation
from streams.operators.counters import DONATIONS, REFUNDS, Counters, money_of

_money = st.lists(st.integers(-3, 3), min_size=3, max_size=3).filter(any)
counters = st.builds(
    Counters,
    st.lists(st.integers(-3, 3), min_size=7, max_size=7),
    st.dictionaries(st.sampled_from(("USD", "JPY", "KWD")), _money),
)


def plus(one: Counters, other: Counters, sign: int = 1) -> Counters:
    total = one.copy()
    total.add(other, sign)
    return total


@tried(150)
@given(counters, counters, counters)
def test_addition_is_associative_and_commutative(a: Counters, b: Counters, c: Counters) -> None:
    assert plus(plus(a, b), c) == plus(a, plus(b, c))
    assert plus(a, b) == plus(b, a)


@tried(100)
@given(counters)
def test_zero_is_neutral_and_what_is_taken_away_leaves_no_trace(a: Counters) -> None:
    assert plus(a, Counters()) == a == plus(Counters(), a)
    assert plus(a, a.copy(), sign=-1) == Counters()
    assert plus(a, a.copy(), sign=-1).is_zero()


@tried(100)
@given(counters, counters)
def test_a_copy_is_its_own(a: Counters, b: Counters) -> None:
    before, copy = repr(a), a.copy()
    copy.add(b)
    assert repr(a) == before
    assert plus(copy, b, sign=-1) == a


def donation(**fields: str | None) -> Donation:
    common = {"event_id": "", "campaign_id": "door", "referral_id": None, "occurred_at": "", "donation_id": "gift"}
    return Donation(**common, schema_version=1, tie="weak", **fields)  # type: ignore[arg-type]


def test_a_refund_counts_apart_and_its_fee_with_the_fees() -> None:
    gift = donation(kind="donation", amount="10.00", currency="USD", fee="0.30")
    refund = donation(kind="refund", amount="4", currency="USD", fee="0.05")
    assert money_of(gift) == (DONATIONS, {"USD": [1000, 30, 0]})
    assert money_of(refund) == (REFUNDS, {"USD": [0, 5, 400]})
