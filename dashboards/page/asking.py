"""How the page asks the store: one function, given by who starts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Answer:
    """Columns, their ClickHouse types, rows of JSON values (decimals as text); `cut`: there were more rows."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    cut: bool = False


class Refused(Exception):
    """The store did not answer the question; the text is for people."""


class Ask(Protocol):
    """Asks the store one statement, blocking.

    Args of a call: the statement; the most rows that are wanted; seconds that it may take.

    Raises:
        Refused: the statement is wrong, may not be run, took too long, or nobody answers.
    """

    def __call__(self, sql: str, rows: int, seconds: int) -> Answer: ...
