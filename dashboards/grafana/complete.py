"""Up to when a board is complete, on each of its panels: a grey stretch on charts, a line in every description.

A table or a figure has no time axis to draw on, and a field more in each of them would say the same thing twenty times
on one screen.
"""

from __future__ import annotations

from typing import Final

from dashboards.panel import Annotations, Board

NOT_YET: Final = "Not complete yet"
_MINUTE: Final = "formatDateTime({}, '%Y-%m-%d %H:%i UTC', 'UTC')"


def said(board: Board) -> str:
    """SQL of the variable that descriptions quote: one row, also before the first record."""
    moment = _MINUTE.format("max(complete_up_to)")
    return f"SELECT ifNull({moment}, 'no records yet') AS value\nFROM ({board.complete})"


def stretch(board: Board) -> Annotations:
    """From where the figures are complete to the end of what is looked at, the future included."""
    return Annotations(
        name=NOT_YET,
        sql=f"""
SELECT greatest(assumeNotNull(complete_up_to), toDateTime64($__fromTime, 3, 'UTC')) AS time, $__toTime AS timeEnd,
    concat('complete up to ', {_MINUTE.format("assumeNotNull(complete_up_to)")}) AS text, 'not_complete_yet' AS tags
FROM ({board.complete})
WHERE complete_up_to < $__toTime
""",
        colour="grey",
    )
