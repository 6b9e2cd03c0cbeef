"""What the page shows: boards as JSON that a browser draws, and the answers of their panels."""

from __future__ import annotations

import dataclasses
import time
import zlib
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import anyio
import msgspec
from anyio import to_thread

from dashboards.boards import BOARDS, VARIABLES
from dashboards.macros import Range, expand
from dashboards.page.asking import Answer, Ask, Refused
from dashboards.page.shared import Shared
from dashboards.panel import Board, Panel

POINTS: Final = 600  # of a line: about one a pixel and a half of a chart
ROWS: Final = 20_000
SECONDS: Final = 15
ASKED_AT_ONCE: Final = 3
"""Of the embedded store's four threads for readers; one is left for questions."""

ANSWERS_KEPT: Final = 512

SPANS: Final = {"all": None, "48h": 48 * 3600, "6h": 6 * 3600, "1h": 3600}
"""What a person may look at: the whole appeal, or so many seconds up to where it is known."""

MOMENT: Final = "complete_up_to"

Choice = dict[str, tuple[str, ...]]

CLOCK: Final = """
SELECT c.campaign_id AS campaign_id, title, currency, phase, complete_up_to, chart_from, chart_until, trend_window,
    longest_window
FROM campaign_clock AS c
INNER JOIN chart_windows AS w ON w.campaign_id = c.campaign_id
WHERE c.campaign_id = ${campaign:singlequote}
"""


def described(boards: tuple[Board, ...] = BOARDS) -> bytes:
    """The boards without their SQL, as JSON: what a browser needs to lay them out."""
    told = []
    for board in boards:
        record = dataclasses.asdict(board)
        del record["complete"]
        for note in record["annotations"]:
            del note["sql"]
        for row in record["rows"]:
            for panel in row["panels"]:
                del panel["sql"]
        told.append(record)
    return msgspec.json.encode(told)


class Content:
    """Asks for boards.

    Args:
        ask: the store.
    """

    def __init__(self, ask: Ask, boards: tuple[Board, ...] = BOARDS) -> None:
        self._ask = ask
        self._boards = {board.uid: board for board in boards}
        self._limiter: anyio.CapacityLimiter | None = None
        # Panels of one campaign are the same for all influencers, and most boards have some.
        self._answers: Shared[dict[str, Any]] = Shared(most=ANSWERS_KEPT)

    async def choices(self, campaign: str) -> bytes:
        """Campaigns, and the influencers of one, as `[{"value", "text"}]`, the best guess first.

        Args:
            campaign: the one that is chosen, known or not; empty: the best guess.
        """
        campaigns = await self._told(VARIABLES["campaign"], {}, Range(0, 0))
        chosen = campaign or next((row[0] for row in campaigns["rows"]), "")
        influencers = await self._told(VARIABLES["influencer"], {"campaign": (chosen,)}, Range(0, 0))
        lists = {"campaign": campaigns, "influencer": influencers}
        return msgspec.json.encode(
            {
                "chosen": {"campaign": chosen},
                "error": campaigns.get("error") or influencers.get("error"),
                **{name: [{"value": row[0], "text": row[1]} for row in told["rows"]] for name, told in lists.items()},
            }
        )

    async def board(self, uid: str, choice: Choice, span: str) -> bytes:
        """All panels of a board, as JSON.

        A panel's `tag` changes with its answer, so that a browser draws only what is new.
        """
        board = self._boards[uid]
        answers: dict[str, Any] = {}
        clock, said_at = await self._clock(board, choice, answers)
        looked_at = _range(clock["now"], span)
        notes: list[Any] = [None] * len(board.annotations)

        async def panel(key: str, sql: str) -> None:
            answers[key], _ = await self._dated(sql, choice, looked_at, said_at)

        async def note(at: int, sql: str) -> None:
            notes[at], _ = await self._dated(sql, choice, looked_at, said_at)

        async with anyio.create_task_group() as tasks:
            for shown in board.panels:
                if str(shown.id) not in answers:
                    tasks.start_soon(panel, str(shown.id), shown.sql)
            for at, annotations in enumerate(board.annotations):
                tasks.start_soon(note, at, annotations.sql)
        return msgspec.json.encode(
            {
                "clock": clock["now"],
                "error": clock.get("error"),
                "from": looked_at.start_ms,
                "to": looked_at.end_ms,
                "panels": answers,
                "annotations": notes,
            }
        )

    async def _clock(self, board: Board, choice: Choice, answers: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """Where the appeal is in its time, as `now`, and the `error` if nobody answers; and when that was said.

        It is asked before the panels, so that they know at least what it promises: an answer to a panel that was asked
        for earlier, for another browser, will not do.  The store fills meanwhile: where a
        panel of the board says the same moment, that one is asked here, and is the clock's from then on.
        """
        told = await self._told(CLOCK, choice, Range(0, 0))
        now = _first(told)
        panel = _saying_the_moment(board)
        answer, said_at = await self._dated(panel.sql if panel else board.complete, choice, Range(0, 0))
        if panel:
            answers[str(panel.id)] = answer
        said = _first(answer)
        if now and said:
            now[MOMENT] = said[MOMENT]
        return {"now": now, "error": told.get("error")}, said_at

    async def _told(self, sql: str, choice: Choice, span: Range) -> dict[str, Any]:
        answer, _ = await self._dated(sql, choice, span)
        return answer

    async def _dated(
        self, sql: str, choice: Choice, span: Range, since: float = float("-inf")
    ) -> tuple[dict[str, Any], float]:
        """The answer to a statement, of a moment ago if another browser has just asked the very same."""
        asked = expand(sql, span, choice)
        return await self._answers.dated(asked, partial(self._answer, asked), since)

    async def _answer(self, sql: str) -> dict[str, Any]:
        if self._limiter is None:  # made inside the event loop that it belongs to
            self._limiter = anyio.CapacityLimiter(ASKED_AT_ONCE)
        try:
            work = partial(self._ask, sql, ROWS, SECONDS)
            answer = await to_thread.run_sync(work, limiter=self._limiter)
        except Refused as refused:
            return {"columns": [], "types": [], "rows": [], "error": str(refused), "tag": 0}
        return _encoded(answer)


def _saying_the_moment(board: Board) -> Panel | None:
    """The panel whose first value is the time up to which all is known."""
    return next((panel for panel in board.panels if panel.columns and panel.columns[0].name == MOMENT), None)


def _first(told: dict[str, Any]) -> dict[str, Any]:
    """The first row by column; nothing where there is none."""
    return dict(zip(told["columns"], told["rows"][0], strict=True)) if told["rows"] else {}


def _range(now: dict[str, Any], span: str) -> Range:
    """The time that charts show.

    The whole appeal goes on to its end while it runs, but the last hours of it are the last that are known.
    """
    if not now:
        return Range(0, 0)
    start, end = _milliseconds(now["chart_from"]), _milliseconds(now["chart_until"])
    if (seconds := SPANS.get(span)) is not None:
        known = _milliseconds(now[MOMENT]) if now[MOMENT] else min(end, round(time.time() * 1000))
        begin = known - seconds * 1000
        start, end = max(begin, start) if start < known else begin, known
    minutes = max(1, -(-(end - start) // 60_000 // POINTS))
    return Range(start, end, minutes * 60_000)


def _encoded(answer: Answer) -> dict[str, Any]:
    told = {"columns": answer.columns, "types": answer.types, "rows": answer.rows}
    return {**told, "tag": zlib.crc32(msgspec.json.encode(told))}


def _milliseconds(text: str) -> int:
    """Epoch milliseconds of a time as ClickHouse writes it in UTC, `2026-03-12 18:00:00[.000]`."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
