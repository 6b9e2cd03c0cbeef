"""A Games Done Quick marathon's public series: reading it, and the money that moved in each minute.

The rules are told in `gdq`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, Literal, NamedTuple

from schemas.errors import Fault

_COLUMNS: Final = ("time", "viewers", "donations_total", "money_total_usd")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Row(NamedTuple):
    """One minute: its start in epoch milliseconds, viewers, and the totals so far; None where blank."""

    at_ms: int
    viewers: int | None
    donations: int | None
    cents: int | None


class Movement(NamedTuple):
    """Money that came or went in one minute, as one donation or refund."""

    kind: Literal["donation", "refund"]
    cents: int


def read_rows(path: Path) -> list[Row]:
    """The rows of a series by time, each minute once.

    Raises:
        Fault: the file cannot be read, lacks a column, or has a row that is not as the module says.
    """
    rows: dict[int, Row] = {}
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            table = csv.DictReader(lines)
            missing = set(_COLUMNS) - set(table.fieldnames or ())
            if missing:
                raise _fault(path, f"has no column {', '.join(sorted(missing))}")
            for fields in table:
                row = _row(path, table.line_num, fields)
                rows.setdefault(row.at_ms, row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _fault(path, f"cannot be read ({error})") from error
    if not rows:
        raise _fault(path, "has no rows")
    return [rows[at_ms] for at_ms in sorted(rows)]


def _row(path: Path, line: int, fields: dict[str, str]) -> Row:
    try:
        moment = datetime.fromisoformat(fields["time"])
        at_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
        viewers, donations = (int(fields[name]) if fields[name] else None for name in _COLUMNS[1:3])
        cents = _cents(fields["money_total_usd"])
    except (ValueError, TypeError, OverflowError, InvalidOperation) as error:
        raise _fault(path, f"line {line} is not as a row must be ({error})") from error
    return Row(at_ms, viewers, donations, cents)


def _cents(text: str) -> int | None:
    if not text:
        return None
    cents = Decimal(text) * 100
    if cents != cents.to_integral_value() or cents < 0:
        raise ValueError(f"{text!r} is no amount of dollars and cents")
    return int(cents)


def _fault(path: Path, what: str) -> Fault:
    mend = "Give a series such as sgdq2019/timeseries.csv of bcongdon/gdq-stats."
    return Fault("input", f"{path} {what}", mend)


def movements(rows: Iterable[Row]) -> Iterator[tuple[int, Movement]]:
    """What came and went, by the rules of `gdq`, as (start of the minute in epoch milliseconds, movement)."""
    before_donations = before_cents = 0
    for row in rows:
        if row.donations is None or row.cents is None:
            continue
        number, cents = row.donations - before_donations, row.cents - before_cents
        before_donations, before_cents = row.donations, row.cents
        for movement in _of_minute(number, cents):
            yield row.at_ms, movement


def _of_minute(number: int, cents: int) -> Iterator[Movement]:
    if cents < 0:
        yield Movement("refund", -cents)
    elif cents > 0:
        parts = min(max(number, 1), cents)
        whole, left = divmod(cents, parts)
        for part in range(parts):
            yield Movement("donation", whole + (part < left))
