"""An answer in pieces, each sent when the client has taken the one before it."""

from __future__ import annotations

from typing import Final

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from infra.serving.connections import connection_of

PIECE: Final = 256 << 10
SEND_SECONDS: Final = 120.0
"""For a whole answer: 64 MiB at 4.5 Mbit/s."""


class Unsent:
    """Bytes of large answers that their clients have not taken yet.

    Args:
        most: of all of them; answers of up to `small` bytes are not counted, so that who takes nothing keeps nobody
            else from a page of figures.
    """

    def __init__(self, most: int, small: int = 1 << 20) -> None:
        self._most = most
        self._small = small
        self._held = 0

    def has_room(self, size: int) -> bool:
        """Whether an answer of that size may wait for its client."""
        return size <= self._small or self._held + size <= self._most

    def hold(self, size: int) -> int:
        """Count an answer in; gives what is to be counted out again."""
        counted = size if size > self._small else 0
        self._held += counted
        return counted

    def release(self, counted: int) -> None:
        """Count it out."""
        self._held -= counted


class InPieces(Response):
    """A response whose body goes out piece by piece, within SEND_SECONDS."""

    unsent: Unsent | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted = self.unsent.hold(len(self.body)) if self.unsent else 0
        try:
            with anyio.move_on_after(SEND_SECONDS) as bound:
                await self._send(send)
            connection = connection_of(scope)
            if bound.cancelled_caught and connection is not None:
                connection.abort()
        finally:
            if self.unsent:
                self.unsent.release(counted)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = bytes(self.body)
        for begin in range(0, max(len(body), 1), PIECE):
            more = begin + PIECE < len(body)
            await send({"type": "http.response.body", "body": body[begin : begin + PIECE], "more_body": more})
