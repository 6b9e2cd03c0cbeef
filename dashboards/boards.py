"""All boards, and the variables that they choose by."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from dashboards import appeal, influencer, pipeline
from dashboards.panel import Board, Panel

BOARDS: Final[tuple[Board, ...]] = (appeal.BOARD, influencer.BOARD, pipeline.BOARD)

# What a variable may be: `value`, and the `text` to show for it, the best guess first.
VARIABLES: Final = MappingProxyType(
    {
        "campaign": """
SELECT campaign_id AS value, title AS text
FROM campaign_clock
ORDER BY heard DESC, start DESC, value
""",
        "influencer": """
SELECT influencer_id AS value, influencer_id AS text
FROM influencers(campaign = ${campaign:singlequote})
ORDER BY donations DESC, clicks DESC, value
""",
    }
)

# The campaign's own windows that titles name.
WINDOWS: Final = MappingProxyType(
    {
        name: f"SELECT {name} AS value FROM chart_windows WHERE campaign_id = ${{campaign:singlequote}}"
        for name in ("trend_window", "longest_window")
    }
)

# The time that charts span unless somebody wants another: the whole appeal, so that a history is seen too.
SPAN: Final = "SELECT chart_from, chart_until FROM campaign_clock WHERE campaign_id = ${campaign:singlequote}"


def board_of(uid: str) -> Board:
    """The board of that name.

    Raises:
        KeyError: there is none.
    """
    for board in BOARDS:
        if board.uid == uid:
            return board
    raise KeyError(f"there is no board {uid}")


def panel_of(uid: str, number: int) -> Panel:
    """A panel by its board and id.

    Raises:
        KeyError: there is none.
    """
    for panel in board_of(uid).panels:
        if panel.id == number:
            return panel
    raise KeyError(f"{uid} has no panel {number}")
