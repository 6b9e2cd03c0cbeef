"""A newcomer adds the panel that CONTRIBUTING shows: one file edited, one command run, in a copy of the repository."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from asking import Asked
from ground import ROOT

END_OF_BOARD = "        ),\n    ),\n)\n\nBOARD: Final"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    copy = tmp_path / "groundswell"
    copy.mkdir()
    for name in ("dashboards", "schemas", "infra", "Makefile", "CONTRIBUTING.md"):
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(place, copy / name)
    return copy


def test_a_panel_is_one_file_edited_and_one_command_run(copied: Path, door_store: Asked) -> None:
    example = re.search(r"(?s)```python\n(.*?)```", (copied / "CONTRIBUTING.md").read_text().split("### a panel")[1])
    assert example is not None
    board = copied / "dashboards" / "pipeline.py"
    text = board.read_text()
    assert text.count(END_OF_BOARD) == 1
    # A row's panels are indented by twelve in the file, by three in the document's list.
    panel = re.sub(r"(?m)^ {3}", " " * 12, example[1]).rstrip() + ",\n"
    board.write_text(text.replace(END_OF_BOARD, f"        ),\n{panel}    ),\n)\n\nBOARD: Final"))

    # `-o install`: the environment is the one that the tests run in.
    command = ["make", "-C", str(copied), "-o", "install", f"BIN={Path(sys.executable).parent}", "dashboards"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    written = re.findall(r"(?m)^\S+\.(?:json|yaml)$", done.stdout)
    assert written == ["dashboards/json/groundswell-pipeline.json"]

    content = json.loads((copied / written[0]).read_text())
    [drawn] = [panel for panel in content["panels"] if panel.get("id") == 99]
    assert (drawn["title"], drawn["gridPos"]["w"]) == ("Late records", 24)
    rows = door_store.ask(drawn["targets"][0]["rawSql"])[2]
    assert rows == [("clicks", 181), ("donations", 6), ("impressions", 48), ("shares", 16)]
