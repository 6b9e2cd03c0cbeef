"""The two users, their passwords, and the settings that each may send."""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.secret import READER_PASSWORD, WRITER_PASSWORD, secret

WRITER = "groundswell"
READER = "reader"

DEFAULT_PASSWORDS = {WRITER: "groundswell", READER: "reader"}
"""Known to everybody, so fit for loopback on one person's laptop and nothing else."""

# No setting whose value is SQL or a path, and none that keeps something beyond its request; `allowed_settings` holds
# every value to the shape of a number or a word besides.
READ_SETTINGS = frozenset(
    {
        "cast_string_to_dynamic_use_inference",
        "date_time_input_format",
        "date_time_output_format",
        "final",
        "join_use_nulls",
        "limit",
        "max_block_size",
        "max_execution_time",
        "max_memory_usage",
        "max_result_bytes",
        "max_result_rows",
        "max_threads",
        "offset",
        "output_format_json_named_tuples_as_objects",
        "output_format_json_quote_64bit_integers",
        "output_format_json_quote_decimals",
        "session_timezone",
    }
)

WRITE_SETTINGS = READ_SETTINGS | {
    "alter_sync",
    "async_insert",
    "deduplicate_insert",
    "input_format_null_as_default",
    "input_format_skip_unknown_fields",
    "insert_deduplicate",
    "insert_deduplication_token",
    "lightweight_deletes_sync",
    "mutations_sync",
    "wait_for_async_insert",
}

READS_AT_ONCE = 4
WRITES_AT_ONCE = 2
"""Threads for each user, so that no number of readers can keep the sink waiting."""

READ_LIMITS: Mapping[str, int] = {
    "max_execution_time": 30,
    "max_memory_usage": (2 << 30) // READS_AT_ONCE,
    "max_result_bytes": 64 << 20,
    "max_result_rows": 1_000_000,
    "max_threads": min(8, os.cpu_count() or 1),
}
"""Seconds, bytes, bytes, rows, threads. A reader may ask for less, never for more; all readers together have 2 GiB."""

READ_DEFAULTS: Mapping[str, str] = {
    # Compiling what a panel reckons takes 0.1 s at its third asking, and has made none faster.
    "compile_expressions": "0",
    "compile_aggregate_expressions": "0",
    # chDB switches it on: a reader could look into the process, symbols and all.
    "allow_introspection_functions": "0",
    # What groups or sorts more than its memory holds goes on on the disk, so far.
    "max_temporary_data_on_disk_size_for_query": str(1 << 30),
}

_PLAIN_VALUE = re.compile(r"[\w.:/+-]{0,256}", re.ASCII)
"""Numbers, words, time zones, tokens of inserts: no quote, bracket or space, without which there is no SQL."""


@dataclass(frozen=True, slots=True)
class User:
    """Who asks. Only the writer may change anything."""

    name: str
    writes: bool

    @property
    def settings(self) -> frozenset[str]:
        """Names of the settings this user may send."""
        return WRITE_SETTINGS if self.writes else READ_SETTINGS


def passwords(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Password of each user: from the environment or a file that it names, or the laptop default.

    Raises:
        Fault: such a file cannot be read.
    """
    return {
        WRITER: secret(environment, WRITER_PASSWORD) or DEFAULT_PASSWORDS[WRITER],
        READER: secret(environment, READER_PASSWORD) or DEFAULT_PASSWORDS[READER],
    }


def are_guarded(known: Mapping[str, str]) -> bool:
    """Whether no password is one that everybody knows."""
    return all(known[name] != DEFAULT_PASSWORDS[name] for name in known)


def authenticate(name: str, password: str, known: Mapping[str, str]) -> User | None:
    """The user, or None; an unknown name takes as long as a wrong password."""
    expected = known.get(name, "")
    fits = hmac.compare_digest(password.encode(), expected.encode())
    return User(name, name == WRITER) if fits and name in known else None


def refused_settings(settings: Mapping[str, str], user: User) -> list[str]:
    """Names of those that this user may not send, or not with such a value."""
    allowed = user.settings
    return sorted(name for name, value in settings.items() if name not in allowed or not _PLAIN_VALUE.fullmatch(value))


def clamp(settings: Mapping[str, str]) -> dict[str, str]:
    """A reader's settings within its limits (0, "no limit", is the limit); other values pass as they are."""
    clamped = {**{name: str(limit) for name, limit in READ_LIMITS.items()}, **settings}
    for name, limit in READ_LIMITS.items():
        wanted = clamped[name]
        clamped[name] = wanted if wanted.isdecimal() and 0 < int(wanted) < limit else str(limit)
    return clamped
