"""Another version of the program: a copy of this one that cannot read this one's saved states, nor this one its."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

from streams.operators.attribution.snapshot import SNAPSHOT_SCHEMA

ROOT: Final = Path(__file__).resolve().parents[2]
OTHER_SCHEMA: Final = SNAPSHOT_SCHEMA + 1
SPOKEN: Final = re.compile(r"^(SNAPSHOT_SCHEMA: Final =) \d+$", re.MULTILINE)


def another_version(folder: Path) -> Path:
    """A copy of the program in this folder, with another schema of saved states.

    Raises:
        ValueError: the schema is no longer where it was.
    """
    for package in ("schemas", "streams", "infra"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    module = folder / "streams" / "operators" / "attribution" / "snapshot.py"
    text, changed = SPOKEN.subn(rf"\1 {OTHER_SCHEMA}", module.read_text())
    if changed != 1:
        raise ValueError(f"{module} says its schema {changed} times")
    module.write_text(text)
    return folder
