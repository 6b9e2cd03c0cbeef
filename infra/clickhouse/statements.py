"""SQL files, cut into statements."""

from __future__ import annotations

import re


def statements_of(text: str) -> list[str]:
    """The statements of a file; each ends with a semicolon at the end of its line."""
    without_comments = re.sub(r"(?m)^[ \t]*--.*\n?", "", text)
    parts = re.split(r";[ \t]*(?:\n|\Z)", without_comments)
    return [part.strip() for part in parts if part.strip()]
