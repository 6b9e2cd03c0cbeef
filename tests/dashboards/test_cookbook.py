"""The README's questions in SQL: each runs, and says what the README says that it does."""

from __future__ import annotations

import re

import pytest
from asking import Asked
from ground import ROOT

SECTION = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## SQL cookbook\n")[1].split("\n## ")[0]
BLOCKS = re.findall(r"(?s)```(?:sql)?\n((?:SELECT|WITH).*?)```", SECTION)


def cells(line: str) -> list[str]:
    """A line of the output without its number and spaces."""
    return [cell.strip() for cell in re.split("[│┃]", line)[1:-1]]


def test_the_cookbook_has_questions() -> None:
    assert len(BLOCKS) >= 6


@pytest.mark.parametrize("block", BLOCKS, ids=range(1, len(BLOCKS) + 1))
def test_a_question_of_the_cookbook_has_the_answer_that_stands_there(block: str, door_store: Asked) -> None:
    sql, _, output = block.partition("\n\n")
    said = door_store.reader.raw_query(sql.rstrip("; \n"), fmt="PrettyCompactMonoBlock").decode()
    true = [cells(line) for line in said.splitlines() if "│" in line]
    shown = [cells(line) for line in output.splitlines() if "│" in line]
    assert shown, "the README shows no answer"
    for line in shown:
        assert line in true, said
