"""Where panels stand: a title's line, then its panels from left to right, wrapped at the board's width."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.models.dashboard import GridPos

from dashboards.panel import WIDTH, Board, Panel, Row


def places(board: Board) -> Iterator[tuple[Row | Panel, GridPos]]:
    """Rows and panels in reading order, each with its place; no gap between two lines."""
    top = 0
    for row in board.rows:
        yield row, GridPos(h=1, w=WIDTH, x=0, y=top)
        top += 1
        left, tallest = 0, 0
        for panel in row.panels:
            if left + panel.width > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            yield panel, GridPos(h=panel.height, w=panel.width, x=left, y=top)
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest
