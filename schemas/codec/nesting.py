"""How deeply JSON is nested, counted without decoding it and without a stack."""

from __future__ import annotations

import re

# A text that is never closed runs to the end, so that no quote is looked at twice.
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_ALL_BUT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def deeper_than(levels: int, value: bytes) -> bool:
    """Whether arrays and objects are nested in more than that many levels."""
    if _opened(value) <= levels:
        return False
    depth = 0
    for bracket in _TEXT.sub(b"", value).translate(None, _ALL_BUT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > levels:
            return True
    return False


def _opened(value: bytes) -> int:
    return value.count(b"[") + value.count(b"{")
