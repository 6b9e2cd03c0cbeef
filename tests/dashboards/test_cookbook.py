"""Questions in SQL: those of the cookbook have the answers that stand there, those of the live page have one too."""

from __future__ import annotations

import re

import pytest
from asking import Asked
from ground import ROOT

from dashboards.macros import quoted
from dashboards.page.questions import QUESTIONS, Question

COOKBOOK = (ROOT / "docs/sql-cookbook.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?s)```(?:sql)?\n((?:SELECT|WITH).*?)```", COOKBOOK)


def table(output: str) -> tuple[list[str], dict[int, list[str]]]:
    """Column names, and rows by their number."""
    [head] = [line for line in output.splitlines() if "┌" in line]
    rows = re.findall(r"(?m)^ *(\d+)\. ?│(.*)│$", output)
    names = [name for name in re.split("[┌┬┐─]+", head.strip()) if name]
    return names, {int(number): [cell.strip() for cell in row.split("│")] for number, row in rows}


def test_the_cookbook_has_ten_questions_and_each_has_its_sql() -> None:
    questions = re.findall(r"(?m)^\*\*[^*]+\?\*\*", COOKBOOK)
    assert len(questions) == len(BLOCKS) >= 10
    assert COOKBOOK.count("```") == 2 * len(BLOCKS), "a block is no question"


@pytest.mark.parametrize("block", BLOCKS, ids=range(1, len(BLOCKS) + 1))
def test_a_question_of_the_cookbook_has_the_answer_that_stands_there(block: str, door_store: Asked) -> None:
    sql, _, output = block.partition("\n\n")
    said = door_store.reader.raw_query(sql.rstrip("; \n"), fmt="PrettyCompactMonoBlock").decode()
    (names, shown), (true_names, true) = table(output), table(said)
    assert names == true_names
    # Dots stand for what is left out; without them the answer is whole.
    assert shown == ({number: true[number] for number in shown} if "\n..." in output else true), said
    assert shown


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.words)
def test_an_example_of_the_pages_box_has_an_answer(question: Question, door_store: Asked) -> None:
    names, _, rows = door_store.ask(question.sql.replace("{campaign}", quoted(("door",))))
    assert len(names) == len(set(names)) >= 4
    assert rows
