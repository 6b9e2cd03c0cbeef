"""The endpoint: authenticate, read, decide, run in a thread, reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial

import anyio
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from infra.embedded.clickhouse import protocol, replies
from infra.embedded.clickhouse.engine import DATABASE, Engine, Refused, Result
from infra.embedded.clickhouse.protocol import Malformed, Request
from infra.embedded.clickhouse.statements import INSERT
from infra.embedded.clickhouse.users import READS_AT_ONCE, WRITES_AT_ONCE, User, authenticate, refused_settings
from infra.serving.connections import trust
from infra.serving.replies import InPieces, Unsent

READERS_AT_MOST = 64
"""Requests of readers that are being read, wait or run; whoever comes on top is told to come again."""

TURN_SECONDS = 20.0
"""How long a reader's query waits for one of the threads."""

UNSENT_BYTES = 256 << 20
"""Of large answers to readers that have not been fetched."""

_HELLO = re.compile(
    rb"\s*+SELECT\s++displayName\(\),\s*+version\(\),\s*+revision\(\),\s*+timezone\(\)\s*+(?:FORMAT Native)?+\s*+",
    re.IGNORECASE,
)


class Endpoint:
    """Serves one engine.

    Args:
        passwords: of each user.
        hosts: names by which it may be called, so that no page can reach it under a name of its own (DNS rebinding);
            None: any, fit for passwords that nobody can guess.
    """

    def __init__(self, engine: Engine, passwords: Mapping[str, str], hosts: Collection[str] | None = None) -> None:
        self._hosts = hosts
        self._engine = engine
        self._passwords = passwords
        self._reads = anyio.CapacityLimiter(READS_AT_ONCE)
        self._turns = anyio.Semaphore(READS_AT_ONCE)
        self._readers = 0
        self._unsent = Unsent(UNSENT_BYTES)
        self._writes = anyio.CapacityLimiter(WRITES_AT_ONCE)

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/ping", _ok),
                Route("/replicas_status", _ok),
                Route("/", self.answer, methods=["GET", "POST"]),
            ],
        )

    async def answer(self, http: HttpRequest) -> Response:
        """One statement in, one result or one error out."""
        if _from_another_site(http) or not self._called_by_name(http):
            return replies.error(497, "A page of another site may not ask. (ACCESS_DENIED)")
        user = authenticate(*protocol.credentials(http), self._passwords)
        if user is None:
            return replies.error(516, "Authentication failed: wrong user or password. (AUTHENTICATION_FAILED)")
        if user.writes:
            trust(http)
            return await self._read_and_run(http, user)
        if self._readers >= READERS_AT_MOST:
            return _busy(f"{READERS_AT_MOST} requests of readers are being answered or wait")
        self._readers += 1
        try:
            return await self._read_and_run(http, user)
        finally:
            self._readers -= 1

    async def _read_and_run(self, http: HttpRequest, user: User) -> Response:
        limits = () if user.writes else (protocol.READER_BODY, protocol.READER_BODY_SECONDS)
        try:
            request = await protocol.read(http, DATABASE, *limits)
            if not request.statement.strip():
                return _ok(http)
            return await self._run(http, request, user)
        except Malformed as breach:
            return replies.error(breach.code, f"{breach.what}. ({breach.name})", status=breach.status)

    def _called_by_name(self, http: HttpRequest) -> bool:
        return self._hosts is None or http.url.hostname in self._hosts

    async def _run(self, http: HttpRequest, request: Request, user: User) -> Response:
        refused = refused_settings(request.settings, user)
        if refused:
            text = f"Setting {', '.join(map(ascii, refused))} is unknown here or not for {user.name}. (UNKNOWN_SETTING)"
            return replies.error(115, text, request.query_id)
        if request.versioned and _HELLO.fullmatch(request.statement):
            answer = Result(replies.hello(self._engine.version), 1, 0, 0.0)
            return replies.result(answer, "Native", request.query_id, compress=False)
        work = partial(self._insert_or_run, request, user)
        if user.writes:
            return await anyio.to_thread.run_sync(work, limiter=self._writes)
        return await self._read_in_turn(http, work)

    async def _read_in_turn(self, http: HttpRequest, work: Callable[[], InPieces]) -> Response:
        if not await self._has_turn(http):
            return _busy(f"no query of a reader has ended within {TURN_SECONDS:.0f} s")
        try:
            reply = await anyio.to_thread.run_sync(work, limiter=self._reads)
        finally:
            self._turns.release()
        if not self._unsent.has_room(len(reply.body)):
            return _busy("other readers have not fetched their large answers")
        reply.unsent = self._unsent
        return reply

    async def _has_turn(self, http: HttpRequest) -> bool:
        """Wait for one of the turns; False: it took too long, or the client has gone."""
        has_turn = False
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_until_gone, http, tasks.cancel_scope)
            with anyio.move_on_after(TURN_SECONDS):
                await self._turns.acquire()
                has_turn = True
            tasks.cancel_scope.cancel()
        return has_turn

    def _insert_or_run(self, request: Request, user: User) -> InPieces:
        insert = INSERT.match(request.statement) if user.writes and not request.readonly else None
        act: Callable[[Request, User], InPieces] = self._statement if insert is None else partial(self._insert, insert)
        try:
            return act(request, user)
        except Refused as refused:
            refusal = refused.refusal
            text = f"{refusal.what}. ({refusal.name})"
            return replies.error(refusal.code, text, request.query_id)
        except RuntimeError as failure:
            return replies.engine_error(str(failure), self._engine.version, request.query_id)

    def _insert(self, insert: re.Match[bytes], request: Request, user: User) -> InPieces:
        head, format = protocol.text_of(insert[1]), insert[2].decode()
        data = request.statement[insert.end() :]
        answer = self._engine.insert(head, format, data, user, request.database, request.settings)
        return replies.result(answer, format, request.query_id, compress=False)

    def _statement(self, request: Request, user: User) -> InPieces:
        sql = protocol.text_of(request.statement).strip()
        format, answer = self._engine.run(
            sql, request.format, user, request.database, request.settings, request.parameters, request.readonly
        )
        return replies.result(answer, format, request.query_id, request.gzip)


def _from_another_site(http: HttpRequest) -> bool:
    """Whether a browser asks on behalf of some page: loopback is no border to one, and passwords may be defaults."""
    return "origin" in http.headers or http.headers.get("sec-fetch-site", "none") != "none"


async def _until_gone(http: HttpRequest, waiting: anyio.CancelScope) -> None:
    """End the waiting of a client that hangs up: its place is for somebody who is there."""
    while (await http.receive())["type"] != "http.disconnect":
        pass
    waiting.cancel()


def _busy(why: str) -> Response:
    reply = replies.error(202, f"Too many at once: {why}. (TOO_MANY_SIMULTANEOUS_QUERIES)")
    reply.headers["Retry-After"] = "1"
    return reply


def _ok(http: HttpRequest) -> Response:
    return PlainTextResponse("Ok.\n")
