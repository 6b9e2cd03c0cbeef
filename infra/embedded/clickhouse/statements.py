"""What a statement is, and why this user may not run it.

Law: nothing is judged on the text that a client sent, but on the text that the engine's own parser gives back
(`formatQuerySingleLine`): one statement, no comments, one way to quote. So there is no second parser to fool. What
stands in a setting's text or in a parameter that becomes a name is judged as the statement is.

`readonly = 1` alone is not enough on chDB 4.4: it lets `SELECT file('/etc/passwd')`, `INTO OUTFILE`,
`SYSTEM STOP MERGES` and `KILL QUERY` through, all seen on 26.9. The engine's user (`engine_users.xml`) has no grant for
files, addresses and foreign tables; only the ordinary function `file` asks for none, so it stays refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from infra.embedded.clickhouse.users import User

READ_VERBS = frozenset({"SELECT", "WITH", "SHOW", "DESCRIBE", "EXISTS", "EXPLAIN", "("})

WRITE_VERBS = READ_VERBS | {
    "ALTER",
    "ATTACH",
    "CHECK",
    "CREATE",
    "DELETE",
    "DETACH",
    "DROP",
    "EXCHANGE",
    "INSERT",
    "KILL",
    "OPTIMIZE",
    "RENAME",
    "REPLACE",
    "SYSTEM",
    "TRUNCATE",
    "UNDROP",
    "UPDATE",
}

SAFE_TABLE_FUNCTIONS = frozenset(
    {
        "dictionary",
        "format",
        "generate_series",
        "generaterandom",
        "generateseries",
        "merge",
        "mergetreeindex",
        "null",
        "numbers",
        "numbers_mt",
        "primes",
        "sqlstandardvalues",
        "values",
        "view",
        "viewexplain",
        "viewifpermitted",
        "zeros",
        "zeros_mt",
    }
)
"""Table functions that touch nothing but their arguments and our tables; every other the engine has is refused."""

OUTWARD_FUNCTION = re.compile(r"file|ai[_A-Z].*|AI[A-Z].*|currentRequestURL|catboostEvaluate", re.ASCII)
"""Ordinary functions that read the host's files or call the world."""

BARE_FUNCTION = re.compile(r"file|catboostEvaluate|(?:ai|AI)[A-Z][a-z]\w*", re.ASCII)
"""Those of them that take an argument: `arrayMap(file, ...)` and `* APPLY file` call them without a bracket, so these
names are refused wherever a name may stand."""

HIDDEN_TABLE = "stack_trace"
"""A table of `system` that shows what the process does; the engine lets everybody read it whatever is granted."""

LOCAL_ENGINE = re.compile(
    r"(Aggregating|Coalescing|Collapsing|Graphite|Replacing|Summing|VersionedCollapsing)?MergeTree"
    r"|Atomic|Buffer|Dictionary|Join|Log|MaterializedView|Memory|Merge|Null|Set|StripeLog|TinyLog|View",
    re.ASCII,
)
"""Engines that keep their rows in our directory. `ENGINE = Kafka` on chDB fails and leaves the whole data
directory unopenable; the others that are not here read or write the world."""

SYSTEM_REFUSED = frozenset({"SHUTDOWN", "KILL", "SUSPEND"})

# Possessive throughout: each character is looked at a bounded number of times, whatever follows it.
INSERT = re.compile(
    rb"\s*+(INSERT\s++INTO\s++(?:TABLE\s++)?(?!FUNCTION\b)(?:[\w.]|`[^`\\]++`|\"[^\"\\]++\")++\s*+(?:\([^()]*+\))?+"
    rb"(?:\s*+SETTINGS\b(?:(?!\bFORMAT\b)[\w\s=,'.:-])++)?+)\s*+\bFORMAT\s++(\w++)[ \t]*+\r?\n?",
    re.IGNORECASE,
)
"""Head, format; the data is what follows."""

# A quote that nobody closes is a token to the end, or every quote in it would be tried as a beginning.
_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*+(?:'|\\?\Z)|`(?:[^`\\]|\\.)*+(?:`|\\?\Z)|\w++|\S", re.DOTALL)
_TRAILING_FORMAT = re.compile(r"\bFORMAT (\w++)(?: SETTINGS .*+)?+$", re.DOTALL | re.ASCII)
_NAMES = re.compile(r"\w++(?:\.\w++)*+", re.ASCII)
_NESTED = 4
"""Texts within texts that are judged; nobody writes so many."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a statement is not run. `code` and `name` are ClickHouse's own."""

    code: int
    name: str
    what: str


def format_of(canonical: str) -> str | None:
    """The output format that the statement itself names."""
    found = _TRAILING_FORMAT.search(canonical)
    return found[1] if found else None


def judge(
    canonical: str, user: User, table_functions: frozenset[str], parameters: Mapping[str, str] | None = None
) -> Refusal | None:
    """Why `user` may not run the statement; None: it may.

    Args:
        canonical: one statement as the engine's parser writes it.
        table_functions: lower-case names of all that the engine has.
        parameters: what stands for `{name:Identifier}`.
    """
    tokens = list(_TOKEN.findall(canonical))
    verb = tokens[0].upper() if tokens else ""
    if verb not in (WRITE_VERBS if user.writes else READ_VERBS):
        return Refusal(164, "READONLY", f"{verb or 'nothing'} is not a statement that {user.name} may run")
    if verb == "SYSTEM" and len(tokens) > 1 and tokens[1].upper() in SYSTEM_REFUSED:
        return Refusal(497, "ACCESS_DENIED", f"SYSTEM {tokens[1]} would end the endpoint")
    if not user.writes and any(_bare(token) == HIDDEN_TABLE for token in tokens):
        return Refusal(497, "ACCESS_DENIED", f"{HIDDEN_TABLE} is not for {user.name}")
    return _names(tokens, parameters or {}) or _outward(tokens, table_functions) or _engine(verb, tokens)


def _names(tokens: list[str], parameters: Mapping[str, str]) -> Refusal | None:
    """Whether a parameter that becomes a name is one, and one of ours: a path is the name of a file's table."""
    for opening, name, colon, kind in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        if (opening, colon, kind) != ("{", ":", "Identifier"):
            continue
        value = parameters.get(_bare(name) or "", "")
        parts = value.split(".")
        if not _NAMES.fullmatch(value) or HIDDEN_TABLE in parts or any(map(BARE_FUNCTION.fullmatch, parts)):
            return Refusal(497, "ACCESS_DENIED", f"the parameter {name} is not the name of something in the store")
    return None


def _outward(tokens: list[str], table_functions: frozenset[str], depth: int = 0) -> Refusal | None:
    is_setting = False
    for token, following in pairwise([*tokens, ""]):
        word = _bare(token)
        if word is not None and _reaches_out(word, following == "(", table_functions):
            return Refusal(497, "ACCESS_DENIED", f"the function {word} reaches out of the store")
        if (token, following) in (("INTO", "OUTFILE"), ("FROM", "INFILE")):
            return Refusal(497, "ACCESS_DENIED", f"{token} {following} reaches the endpoint's own files")
        # The text of a setting may be SQL, and so may the text of a setting in that.
        is_setting = is_setting or token.upper() == "SETTINGS"
        if is_setting and token.startswith("'"):
            inner = list(_TOKEN.findall(_unquoted(token)))
            refusal = _outward(inner, table_functions, depth + 1) if depth < _NESTED else _TOO_DEEP
            if refusal is not None:
                return refusal
    return None


_TOO_DEEP = Refusal(497, "ACCESS_DENIED", "a setting holds a text in a text in a text")


def _unquoted(token: str) -> str:
    """What a text says; escapes for control characters stand as they are, no name has any."""
    return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)


def _reaches_out(word: str, is_called: bool, table_functions: frozenset[str]) -> bool:
    lower = word.lower()
    foreign = lower in table_functions and lower not in SAFE_TABLE_FUNCTIONS
    return bool(BARE_FUNCTION.fullmatch(word)) or (is_called and (foreign or bool(OUTWARD_FUNCTION.fullmatch(word))))


def _engine(verb: str, tokens: list[str]) -> Refusal | None:
    if verb not in ("CREATE", "ATTACH", "REPLACE"):
        return None
    for engine in _engines(tokens):
        if not LOCAL_ENGINE.fullmatch(engine):
            return Refusal(
                497, "ACCESS_DENIED", f"ENGINE = {engine} does not keep its rows here (Kafka's would spoil the data)"
            )
    return None


def _engines(tokens: list[str]) -> Iterator[str]:
    for first, second, third in zip(tokens, tokens[1:], tokens[2:], strict=False):
        word = _bare(third)
        if first.upper() == "ENGINE" and second == "=" and word is not None:
            yield word


def _bare(token: str) -> str | None:
    """An identifier without its quotes; None for anything else."""
    name = token.strip("`")
    return name if re.match(r"\w", name) else None
