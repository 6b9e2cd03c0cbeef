"""The files of views: what stands in them is asked for, and no formula stands beside its function."""

from __future__ import annotations

import re
from pathlib import Path

from infra.clickhouse.definition import read_definition
from infra.clickhouse.migrate import FOLDER

ROOT = Path(__file__).parents[2]
DEFINITION = read_definition(FOLDER)
ASKS = re.compile(r"\b(?:FROM|JOIN|of_campaign\(|of_one\(|_one\(client,)\s*[\"']?(\w+)")


def asked_by_people() -> set[str]:
    """What boards, page, alerts, commands, audit, chaos and the pages for people ask or name."""
    code = [path for room in ("dashboards", "streams", "tests/chaos") for path in (ROOT / room).rglob("*.py")]
    found = set(ASKS.findall("\n".join(path.read_text(encoding="utf-8") for path in [*code, FOLDER / "figures.py"])))
    said = [path for path in (ROOT / "docs").rglob("*.md") if "decisions" not in path.parts]
    pages = [ROOT / "README.md", *(path for path in said if path.stem != "data-dictionary")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    return found | set(ASKS.findall(text)) | {name for name in DEFINITION.views if f"`{name}`" in text}


def test_every_view_is_asked_by_somebody() -> None:
    wanted = asked_by_people() & DEFINITION.views.keys()
    reached: set[str] = set()
    while wanted:
        reached |= wanted
        read = {name for view in wanted for name in re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", DEFINITION.views[view])}
        wanted = (read & DEFINITION.views.keys()) - reached
    assert reached == DEFINITION.views.keys()


def test_a_formula_stands_in_its_function_alone() -> None:
    functions = "\n".join(DEFINITION.functions)
    for formula in ("1.959964", "lgamma(k + 1)", "'impressions_sampled', ", "' impressions'", "splitByChar('_'"):
        assert formula in functions, formula
        assert [name for name, text in DEFINITION.views.items() if formula in text] == [], formula


def test_every_function_is_used() -> None:
    names = [re.findall(r"FUNCTION (\w+)", function)[0] for function in DEFINITION.functions]
    text = "\n".join([*DEFINITION.views.values(), *(function.partition("->")[2] for function in DEFINITION.functions)])
    assert [name for name in names if f"{name}(" not in text] == []
