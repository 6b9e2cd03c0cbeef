"""How much may be sent: only a question has a body, and a small one.

Law: what is too large is refused by what its sender says of it, before any of it is read; and where a reply is ready
and the body is not at its end, the server hangs up.  It would go on reading only to throw away, and no body need end.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
        await _hanging_up(app, scope, receive, send)


async def _hanging_up(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    is_read = False

    async def receive_noting() -> Message:
        nonlocal is_read
        message = await receive()
        is_read = is_read or not message.get("more_body", False)
        return message

    async def send_closing(message: Message) -> None:
        if message["type"] == "http.response.start" and not is_read:
            message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
        await send(message)

    await app(scope, receive_noting, send_closing)


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0
