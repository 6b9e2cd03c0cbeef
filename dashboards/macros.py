"""The macros of Grafana's ClickHouse plugin 4.20, and variables, expanded: what Grafana does for its own panels.

| macro | becomes |
|---|---|
| `$__timeFilter(c)` | `c >= toDateTime(<from s>) AND c <= toDateTime(<to s>)` |
| `$__timeFilter_ms(c)` | the same with `fromUnixTimestamp64Milli(<ms>)` |
| `$__dateFilter(c)` | `c >= toDate('...') AND c <= toDate('...')` |
| `$__fromTime`, `$__toTime`, with `_ms` too | one of the two times |
| `$__timeInterval(c)`, with `_ms` too | `toStartOfInterval(...)` |
| `$__interval_s` | seconds |
| `$__conditionalAll(condition, $variable)` | `1=1` where the variable is All |
| `${variable:singlequote}` | each value in single quotes, joined by commas |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

ALL: Final = "$__all"


@dataclass(frozen=True)
class Range:
    """The time that is looked at, epoch milliseconds, and the width of a point, milliseconds."""

    start_ms: int
    end_ms: int
    interval_ms: int = 60_000


_CALL: Final = re.compile(r"\$__(timeFilter_ms|timeFilter|dateFilter|timeInterval_ms|timeInterval|conditionalAll)\(")
_WORD: Final = re.compile(r"\$__(fromTime_ms|fromTime|toTime_ms|toTime|interval_s)\b")
_VARIABLE: Final = re.compile(r"\$\{(\w+):singlequote\}")


def expand(sql: str, span: Range, choice: Mapping[str, tuple[str, ...]]) -> str:
    """SQL as ClickHouse takes it.

    Args:
        choice: values by variable; `(ALL,)` is every one.

    Raises:
        ValueError: a variable that nobody chose, a macro that does not exist or is not closed.
    """
    # Macros first: what a person chose is put in last and never read again.
    sql = _expand_calls(sql, span, choice)
    sql = _WORD.sub(lambda match: _word(match[1], span), sql)
    if unknown := re.search(r"\$__\w+", sql):
        raise ValueError(f"there is no macro {unknown[0]}")
    return _VARIABLE.sub(lambda match: quoted(_chosen(match[1], choice)), sql)


def quoted(values: tuple[str, ...]) -> str:
    """Text literals of ClickHouse: a quote or backslash in a value stays part of it."""
    return ",".join("'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in values)


def _expand_calls(sql: str, span: Range, choice: Mapping[str, tuple[str, ...]]) -> str:
    parts, at = [], 0
    while match := _CALL.search(sql, at):
        end = _closing(sql, match.end())
        parts += [sql[at : match.start()], _call(match[1], sql[match.end() : end], span, choice)]
        at = end + 1
    return "".join([*parts, sql[at:]])


def _closing(sql: str, start: int) -> int:
    depth = 1
    for at in range(start, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[at], 0)
        if depth == 0:
            return at
    raise ValueError("a macro is not closed")


def _call(name: str, argument: str, span: Range, choice: Mapping[str, tuple[str, ...]]) -> str:
    column = argument.strip()
    if name == "timeFilter":
        return f"{column} >= {_seconds(span.start_ms)} AND {column} <= {_seconds(span.end_ms)}"
    if name == "timeFilter_ms":
        return f"{column} >= {_milliseconds(span.start_ms)} AND {column} <= {_milliseconds(span.end_ms)}"
    if name == "dateFilter":
        return f"{column} >= {_date(span.start_ms)} AND {column} <= {_date(span.end_ms)}"
    if name == "timeInterval":
        return f"toStartOfInterval(toDateTime({column}), INTERVAL {_whole_seconds(span)} second)"
    if name == "timeInterval_ms":
        return f"toStartOfInterval(toDateTime64({column}, 3), INTERVAL {span.interval_ms} millisecond)"
    condition, _, variable = column.rpartition(",")
    everyone = _chosen(variable.strip().lstrip("$"), choice) == (ALL,)
    return "1=1" if everyone else _expand_calls(condition.strip(), span, choice)


def _word(name: str, span: Range) -> str:
    if name == "interval_s":
        return str(_whole_seconds(span))
    time_ms = span.start_ms if name.startswith("from") else span.end_ms
    return _milliseconds(time_ms) if name.endswith("_ms") else _seconds(time_ms)


def _chosen(variable: str, choice: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if variable not in choice:
        raise ValueError(f"nothing is chosen for the variable {variable}")
    return choice[variable]


def _seconds(time_ms: int) -> str:
    return f"toDateTime({time_ms // 1000})"


def _milliseconds(time_ms: int) -> str:
    return f"fromUnixTimestamp64Milli({time_ms})"


def _date(time_ms: int) -> str:
    return f"toDate('{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d}')"


def _whole_seconds(span: Range) -> int:
    return max(span.interval_ms // 1000, 1)
