"""Money is exact, whatever the currency."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import DIGITS, MAXIMUM_WHOLE_DIGITS, decimal_text, digits_of, minor_units

currencies = st.sampled_from(sorted(DIGITS))


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("0", "USD", 0),
        ("0.01", "USD", 1),
        ("12.5", "USD", 1250),
        ("12.50", "USD", 1250),
        ("4352.00", "USD", 435_200),
        ("5000", "JPY", 5000),
        ("12.345", "KWD", 12_345),
        ("0.0001", "CLF", 1),
        ("999999999999.99", "USD", 99_999_999_999_999),
    ],
)
def test_decimal_text_is_so_many_minor_units(amount: str, currency: str, minor: int) -> None:
    assert minor_units(amount, currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("", "USD"),
        ("-1", "USD"),
        ("+1", "USD"),
        ("-0", "USD"),
        ("01", "USD"),
        ("00", "USD"),
        (".5", "USD"),
        ("5.", "USD"),
        ("1.2.3", "USD"),
        ("1,000", "USD"),
        ("1_000", "USD"),
        ("1e3", "USD"),
        ("0x10", "USD"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        (" 1", "USD"),
        ("1\n", "USD"),
        ("1\x00", "USD"),
        ("１", "USD"),
        ("١", "USD"),
        ("$5", "USD"),
        ("5.001", "USD"),
        ("5.000", "USD"),
        ("5.0", "JPY"),
        ("1.2345", "KWD"),
        ("1000000000000", "USD"),
        ("9" * 100_000, "USD"),
        ("1", "usd"),
        ("1", "XXX"),
        ("1", ""),
        ("1", "USD\n"),
        ("1", "U" * 100_000),
    ],
)
def test_what_is_no_canonical_amount_of_the_currency_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        minor_units(amount, currency)


def test_digits_are_those_of_iso_4217() -> None:
    known = {"JPY": 0, "KRW": 0, "USD": 2, "EUR": 2, "GBP": 2, "KWD": 3, "BHD": 3, "CLF": 4}
    assert {currency: digits_of(currency) for currency in known} == known
    assert max(DIGITS.values()) <= 4  # the store keeps Decimal(38, 4)


@pytest.mark.parametrize("code", ["XAU", "XXX", "XTS", "XDR", "usd", "", "US", "USDT", "USD\n", "ＵＳＤ"])
def test_what_money_is_not_counted_in_is_no_currency(code: str) -> None:
    assert digits_of(code) is None
    with pytest.raises(ValueError, match="currency"):
        decimal_text(1, code)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (0, "USD", "0.00"),
        (5, "USD", "0.05"),
        (-5, "USD", "-0.05"),
        (-1250, "USD", "-12.50"),
        (0, "JPY", "0"),
        (-7, "JPY", "-7"),
        (1, "KWD", "0.001"),
        (10**30, "USD", "1" + "0" * 28 + ".00"),
    ],
)
def test_minor_units_are_told_with_all_digits_of_the_currency(minor: int, currency: str, text: str) -> None:
    assert decimal_text(minor, currency) == text


@given(st.integers(0, 10**MAXIMUM_WHOLE_DIGITS - 1), currencies)
def test_minor_units_survive_a_round_trip(minor: int, currency: str) -> None:
    assert minor_units(decimal_text(minor, currency), currency) == minor


@given(st.integers(-(10**27), 10**27), currencies)
def test_text_is_the_exact_decimal(minor: int, currency: str) -> None:
    assert Decimal(decimal_text(minor, currency)) == Decimal(minor).scaleb(-DIGITS[currency])


@given(st.from_regex(r"\A(0|[1-9][0-9]{0,11})\Z"), st.text("0123456789", max_size=4), currencies)
def test_minor_units_are_exact(whole: str, fraction: str, currency: str) -> None:
    amount = f"{whole}.{fraction}" if fraction else whole
    if len(fraction) > DIGITS[currency]:
        with pytest.raises(ValueError, match="digits after the point"):
            minor_units(amount, currency)
    else:
        assert Decimal(minor_units(amount, currency)).scaleb(-DIGITS[currency]) == Decimal(amount)


def test_a_million_gifts_of_ten_cents_are_a_hundred_thousand_dollars() -> None:
    assert decimal_text(sum(minor_units("0.10", "USD") for _ in range(1_000_000)), "USD") == "100000.00"
