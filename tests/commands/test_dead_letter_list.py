"""`dead-letters list`: the name of each, which `show` and `replay` take, is whole whatever the width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from schemas.dead_letters import DeadLetter
from streams.commands.dead_letter_list import line_of, print_letters

LONGEST = "impressions:1023:9223372036854775807"


def letter(value: str = "0.00") -> DeadLetter:
    return DeadLetter(
        topic="impressions",
        source_partition=1023,
        source_offset=2**63 - 1,
        record_time="2026-03-13T22:00:00.272Z",
        processor="groundswell-attribution",
        processor_version="0.1.0",
        reason="unsupported_version",
        field="parent_referral_id",
        value=value,
        expectation="at most 2 digits after the point for USD, and many more words that are longer than a line",
        key=None,
        payload=b"{}",
        headers=[],
        attempts=1,
    )


def printed(letters: list[DeadLetter], width: int, terminal: bool = True) -> str:
    written = io.StringIO()
    print_letters(Console(file=written, width=width, force_terminal=terminal, color_system=None), letters)
    return written.getvalue()


@pytest.mark.parametrize("width", [40, 80, 99, 100, 120, 200])
@pytest.mark.parametrize("terminal", [True, False])
def test_a_name_is_never_cut(width: int, terminal: bool) -> None:
    assert LONGEST in printed([letter()], width, terminal)


def test_where_there_is_no_terminal_each_letter_is_one_line() -> None:
    assert printed([letter(), letter()], 80, terminal=False) == f"{line_of(letter())}\n" * 2


def test_what_a_producer_sent_is_not_markup() -> None:
    assert "[/x]" in printed([letter("[/x]")], 250)
    assert "[red]" in printed([letter("[red]")], 250)


def test_a_line_has_the_name_first_and_tabs_between_its_fields() -> None:
    line = line_of(letter("a\tb\n\x1b[2J"))
    fields = line.split("\t")
    assert fields[0] == LONGEST
    assert len(fields) == 7
    assert fields[4] == r"a\tb\n\x1b[2J"
    assert "\n" not in line
