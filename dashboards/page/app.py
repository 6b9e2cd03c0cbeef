"""The live page as an ASGI application: one document, its files, and a few answers in JSON.

GET  /  /influencer  /pipeline  /sql     the document; its script draws what the path names
GET  /static/...                         ours; /static/plotly.min.js is the installed package's
GET  /api/boards                         the boards, laid out, without figures
GET  /api/choices?campaign=              what can be picked
GET  /api/board/UID?campaign=&influencer=&span=   all figures of a board
GET  /api/dictionary                     the views, their questions and columns, and example questions
POST /api/sql  {"sql": "..."}            one question
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final
from zlib import crc32

import anyio
import msgspec
from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from dashboards.boards import BOARDS
from dashboards.page.asking import Ask, Refused
from dashboards.page.content import Choice, Content, described
from dashboards.page.guard import LOOPBACK_NAMES, Guard
from dashboards.page.questions import DICTIONARY, QUESTIONS
from dashboards.page.shared import Shared
from dashboards.page.sizes import QUESTION_BYTES, QUESTIONS_PATH, Sizes

STATIC: Final = Path(__file__).parent / "static"
PATHS: Final = ("/", "/influencer", "/pipeline", "/sql")

BODY_SECONDS: Final = 10.0
SQL_ROWS: Final = 1_000
SQL_SECONDS: Final = 10
SQL_AT_ONCE: Final = 1
CHOICE_LENGTH: Final = 256
MADE_AT_ONCE: Final = 6
"""Different answers that are being made; a browser that wants another one shows what it has and asks again in two
seconds.  They share the store, which makes two or three boards a second on a laptop: who waits, waits for three."""


class _Question(msgspec.Struct):
    sql: str


class Page:
    """Answers of the page.

    Args:
        ask: the store, as somebody who may only read.
        open_to_questions: whether the SQL box may be used; False where `ask` might write.
    """

    def __init__(self, ask: Ask, open_to_questions: bool = True) -> None:
        self._ask = ask
        self._open = open_to_questions
        self._content = Content(ask)
        self._shared: Shared[bytes] = Shared()
        self._questions = anyio.CapacityLimiter(SQL_AT_ONCE)

    async def boards(self, request: Request) -> Response:
        return _json(request, described())

    async def choices(self, request: Request) -> Response:
        campaign = _chosen(request, "campaign")
        return await self._same(request, ("choices", campaign), partial(self._content.choices, campaign))

    async def board(self, request: Request) -> Response:
        uid = request.path_params["uid"]
        if uid not in {board.uid for board in BOARDS}:
            return PlainTextResponse("There is no such board.\n", 404)
        choice: Choice = {name: (_chosen(request, name),) for name in ("campaign", "influencer")}
        span = _chosen(request, "span")
        make = partial(self._content.board, uid, choice, span)
        return await self._same(request, (uid, *choice.values(), span), make)

    async def dictionary(self, request: Request) -> Response:
        return await self._same(request, "dictionary", self._dictionary)

    async def question(self, request: Request) -> Response:
        """Run what a person typed."""
        if not self._open:
            return _wrong(403, "Questions are closed: the page's user may write. Give the page a user that only reads.")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return _wrong(415, "Send the question as application/json.")
        try:
            with anyio.fail_after(BODY_SECONDS):
                body = await _body(request, QUESTION_BYTES)
        except (TimeoutError, ClientDisconnect):
            return _wrong(408, f"The question did not come within {BODY_SECONDS:.0f} s.")
        if body is None:
            return _wrong(413, f"A question has at most {QUESTION_BYTES // 1024} KiB.")
        try:
            sql = msgspec.json.decode(body, type=_Question).sql.strip()
        except msgspec.DecodeError as error:
            return _wrong(400, f"The request is not as it must be: {error}.")
        if not sql:
            return _wrong(400, "There is no question.")
        began = time.monotonic()
        try:
            work = partial(self._ask, sql, SQL_ROWS, SQL_SECONDS)
            answer = await to_thread.run_sync(work, limiter=self._questions)
        except Refused as refused:
            return _wrong(400, str(refused))
        return _json(request, msgspec.json.encode({**vars(answer), "seconds": round(time.monotonic() - began, 3)}))

    async def _dictionary(self) -> bytes:
        examples = [question._asdict() for question in QUESTIONS]
        try:
            answer = await to_thread.run_sync(partial(self._ask, DICTIONARY, SQL_ROWS, SQL_SECONDS))
        except Refused as refused:
            return msgspec.json.encode({"questions": examples, "views": [], "error": str(refused), "open": self._open})
        views = [dict(zip(("view", "question", "columns"), row, strict=True)) for row in answer.rows]
        return msgspec.json.encode({"questions": examples, "views": views, "error": None, "open": self._open})

    async def _same(self, request: Request, key: object, make: Callable[[], Awaitable[bytes]]) -> Response:
        if not self._shared.is_at_hand(key) and self._shared.making >= MADE_AT_ONCE:
            text = f"{MADE_AT_ONCE} other boards are being asked for just now.\n"
            return PlainTextResponse(text, 503, headers={"Retry-After": "2"})
        return _json(request, await self._shared.get(key, make))


def make_app(
    ask: Ask,
    *,
    open_to_questions: bool = True,
    password: str | None = None,
    hosts: Collection[str] | None = LOOPBACK_NAMES,
) -> Starlette:
    """The application.

    Args:
        ask: the store, as somebody who may only read.
        open_to_questions: False closes the SQL box.
        password: asked for by HTTP basic authentication; None: nobody is asked.
        hosts: names by which the page may be called; None: any, which only a password makes safe.
    """
    page = Page(ask, open_to_questions)
    routes = [
        *(Route(path, _document) for path in PATHS),
        Route("/static/plotly.min.js", _plotly),
        Mount("/static", StaticFiles(directory=STATIC)),
        Route("/api/boards", page.boards),
        Route("/api/choices", page.choices),
        Route("/api/board/{uid}", page.board),
        Route("/api/dictionary", page.dictionary),
        Route(QUESTIONS_PATH, page.question, methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Sizes), Middleware(Guard, hosts=hosts, password=password)])


async def _document(request: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def _plotly(request: Request) -> Response:
    path = str(files("plotly") / "package_data" / "plotly.min.js")
    return FileResponse(path, headers={"Cache-Control": "private, max-age=604800"})


def _json(request: Request, body: bytes) -> Response:
    tag = f'"{crc32(body):08x}-{len(body)}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.method in ("GET", "HEAD") and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _wrong(status: int, text: str) -> Response:
    return Response(msgspec.json.encode({"error": text}), status, media_type="application/json")


def _chosen(request: Request, name: str) -> str:
    return request.query_params.get(name, "")[:CHOICE_LENGTH]


async def _body(request: Request, most: int) -> bytes | None:
    """The body, or None as soon as it is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return body
