"""How `groundswell dead-letters list` shows dead letters: a table for people, lines for programs and narrow windows.

Law: the name is whole, because `show` and `replay` take it.  What a producer sent is text and nothing else: no
markup, no control characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.dead_letters import DeadLetter

HEADINGS: Final = ("name", "record time", "reason", "field", "value", "expected", "attempts")
VALUE_CHARACTERS: Final = 40
TABLE_WIDTH: Final = 100


def name_of(letter: DeadLetter) -> str:
    """How a dead letter is named: where its record lies."""
    return f"{letter.topic}:{letter.source_partition}:{letter.source_offset}"


def line_of(letter: DeadLetter) -> str:
    """A dead letter as one line, tabs between its fields."""
    return "\t".join(_fields(letter))


def print_letters(console: Console, letters: Sequence[DeadLetter]) -> None:
    """A table on a wide terminal; anywhere else a line for each, because a table would have to cut or fold."""
    if console.is_terminal and console.width >= TABLE_WIDTH:
        console.print(_table_of(letters))
        return
    for letter in letters:
        print(line_of(letter), file=console.file)  # a console would make blanks of tabs


def _table_of(letters: Sequence[DeadLetter]) -> Table:
    table = Table()
    names = max((len(name_of(letter)) for letter in letters), default=0)
    table.add_column(HEADINGS[0], no_wrap=True, min_width=names)
    for heading in HEADINGS[1:]:
        table.add_column(heading, overflow="fold")
    for letter in letters:
        table.add_row(*map(Text, _fields(letter)))
    return table


def _fields(letter: DeadLetter) -> list[str]:
    fields = (
        name_of(letter),
        letter.record_time,
        letter.reason,
        letter.field,
        letter.value[:VALUE_CHARACTERS],
        letter.expectation,
        str(letter.attempts),
    )
    return ["".join(map(_visible, field)) for field in fields]


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
