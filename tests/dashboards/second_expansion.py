"""The plugin's macros once more, written apart from `dashboards.macros`: a reader that goes letter by letter.

From the table of macros of the ClickHouse plugin 4.20, as a real Grafana 12.4 was seen to expand them.
"""

from __future__ import annotations

import datetime


def expand_again(sql: str, from_ms: int, to_ms: int, interval_ms: int, chosen: dict[str, tuple[str, ...]]) -> str:
    out, at = "", 0
    while at < len(sql):
        if sql.startswith("${", at):
            name, how = sql[at + 2 : sql.index("}", at)].split(":")
            assert how == "singlequote", how
            out += ",".join(in_quotes(value) for value in chosen[name])
            at = sql.index("}", at) + 1
        elif sql.startswith("$__", at):
            end = at + 3
            while end < len(sql) and (sql[end].isalnum() or sql[end] == "_"):
                end += 1
            name, arguments = sql[at + 3 : end], ""
            if end < len(sql) and sql[end] == "(":
                at = matching(sql, end)
                arguments = sql[end + 1 : at]
                end = at + 1
            out += macro(name, arguments, from_ms, to_ms, interval_ms, chosen)
            at = end
        else:
            out += sql[at]
            at += 1
    return out


def matching(sql: str, opening: int) -> int:
    """Where the bracket that opens there closes."""
    open_ones = []
    for at, letter in enumerate(sql):
        if at >= opening and letter == "(":
            open_ones.append(at)
        elif at >= opening and letter == ")" and open_ones.pop() == opening:
            return at
    raise AssertionError("never closed")


def in_quotes(value: str) -> str:
    out = ""
    for letter in value:
        out += {"'": "\\'", "\\": "\\\\"}.get(letter, letter)
    return f"'{out}'"


def macro(
    name: str, inside: str, from_ms: int, to_ms: int, interval_ms: int, chosen: dict[str, tuple[str, ...]]
) -> str:
    since, until = f"toDateTime({int(from_ms / 1000)})", f"toDateTime({int(to_ms / 1000)})"
    since_ms, until_ms = f"fromUnixTimestamp64Milli({from_ms})", f"fromUnixTimestamp64Milli({to_ms})"
    if name == "conditionalAll":
        comma = inside.rindex(",")
        variable = inside[comma + 1 :].strip()[1:]
        if chosen[variable] == ("$__all",):
            return "1=1"
        return expand_again(inside[:comma].strip(), from_ms, to_ms, interval_ms, chosen)
    days = [datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC).date().isoformat() for ms in (from_ms, to_ms)]
    table = {
        "timeFilter": f"{inside} >= {since} AND {inside} <= {until}",
        "timeFilter_ms": f"{inside} >= {since_ms} AND {inside} <= {until_ms}",
        "dateFilter": f"{inside} >= toDate('{days[0]}') AND {inside} <= toDate('{days[1]}')",
        "fromTime": since,
        "toTime": until,
        "fromTime_ms": since_ms,
        "toTime_ms": until_ms,
        "timeInterval": f"toStartOfInterval(toDateTime({inside}), INTERVAL {interval_ms // 1000} second)",
        "timeInterval_ms": f"toStartOfInterval(toDateTime64({inside}, 3), INTERVAL {interval_ms} millisecond)",
        "interval_s": str(interval_ms // 1000),
    }
    return table[name]
