"""Money: decimal text on the outside, whole minor units on the inside, never a float.

A currency's number of digits is ISO 4217's (JPY 0, USD 2, KWD 3).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from iso4217 import Currency

MAXIMUM_WHOLE_DIGITS: Final = 12

# Codes that money is not counted in (gold, drawing rights, "no currency") have no exponent.
DIGITS: Final = {code.value: int(code.exponent) for code in Currency if code.exponent is not None}

_CANONICAL = re.compile(r"(0|[1-9]\d*)(?:\.(\d+))?", re.ASCII)


def digits_of(currency: str) -> int | None:
    """Digits after the point of an ISO 4217 code; None when it is no currency that money is counted in."""
    return DIGITS.get(currency)


@lru_cache(maxsize=65_536)
def minor_units(amount: str, currency: str) -> int:
    """Whole minor units of a decimal text: ``minor_units("12.50", "USD") == 1250``.

    Raises:
        ValueError: not a canonical, non-negative decimal with at most the currency's digits, or too large;
            the message says which.
    """
    digits = digits_of(currency)
    if digits is None:
        raise ValueError(f"{currency!r} is no ISO 4217 currency")
    match = _CANONICAL.fullmatch(amount)
    if match is None:
        raise ValueError('a decimal like "12.50": digits, at most one point, no sign, no leading zeros')
    whole, fraction = match[1], match[2] or ""
    if len(fraction) > digits:
        raise ValueError(f"at most {digits} digits after the point for {currency}")
    if len(whole) > MAXIMUM_WHOLE_DIGITS:
        raise ValueError(f"at most {MAXIMUM_WHOLE_DIGITS} digits before the point")
    return int(whole + fraction.ljust(digits, "0"))


@lru_cache(maxsize=65_536)
def decimal_text(minor: int, currency: str) -> str:
    """The decimal text of minor units, with all of the currency's digits: ``decimal_text(-5, "USD") == "-0.05"``."""
    digits = digits_of(currency)
    if digits is None:
        raise ValueError(f"{currency!r} is no ISO 4217 currency")
    sign = "-" if minor < 0 else ""
    figures = str(abs(minor)).rjust(digits + 1, "0")
    if digits == 0:
        return sign + figures
    return f"{sign}{figures[:-digits]}.{figures[-digits:]}"
