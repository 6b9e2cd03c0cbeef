"""How much may be sent: only a question has a body, and a small one.

Law: what is too large is refused by what its sender says of it, before any of it is read.  The server then closes the
connection (`infra.serving`): it would go on reading only to throw away, and no body need end.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

QUESTIONS_PATH: Final = "/api/sql"
QUESTION_BYTES: Final = 64 * 1024


class Sizes:
    """Middleware around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        chunked, length = "transfer-encoding" in headers, _declared(headers)
        if not chunked and length == 0:
            await self._app(scope, receive, send)
            return
        most = QUESTION_BYTES if scope["path"] == QUESTIONS_PATH else 0
        app = self._app
        if length > most or (chunked and most == 0):
            app = PlainTextResponse(f"This takes {most} bytes at most.\n", 413)
        await app(scope, receive, send)


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0
