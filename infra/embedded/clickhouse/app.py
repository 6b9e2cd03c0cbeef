"""The endpoint: authenticate, read, decide, run in a thread, reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from infra.embedded.clickhouse import protocol, replies
from infra.embedded.clickhouse.engine import DATABASE, Engine, Refused, Result
from infra.embedded.clickhouse.hanging_up import HangingUp
from infra.embedded.clickhouse.protocol import Malformed, Request
from infra.embedded.clickhouse.statements import INSERT
from infra.embedded.clickhouse.users import User, authenticate

READS_AT_ONCE = 4
WRITES_AT_ONCE = 2
"""Threads for each user, so that no number of readers can keep the sink waiting."""

_HELLO = re.compile(
    rb"\s*SELECT\s+displayName\(\),\s*version\(\),\s*revision\(\),\s*timezone\(\)\s*(FORMAT Native)?\s*", re.IGNORECASE
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
        self._writes = anyio.CapacityLimiter(WRITES_AT_ONCE)

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/ping", _ok),
                Route("/replicas_status", _ok),
                Route("/", self.answer, methods=["GET", "POST"]),
            ],
            middleware=[Middleware(HangingUp)],
        )

    async def answer(self, http: HttpRequest) -> Response:
        """One statement in, one result or one error out."""
        if _from_another_site(http) or not self._called_by_name(http):
            return replies.error(497, "A page of another site may not ask. (ACCESS_DENIED)")
        user = authenticate(*protocol.credentials(http), self._passwords)
        if user is None:
            return replies.error(516, "Authentication failed: wrong user or password. (AUTHENTICATION_FAILED)")
        try:
            request = await protocol.read(http, DATABASE)
        except Malformed as breach:
            return replies.error(breach.code, f"{breach.what}. ({breach.name})", status=breach.status)
        if not request.statement.strip():
            return _ok(http)
        return await self._run(request, user)

    def _called_by_name(self, http: HttpRequest) -> bool:
        return self._hosts is None or http.url.hostname in self._hosts

    async def _run(self, request: Request, user: User) -> Response:
        unknown = sorted(set(request.settings) - user.settings)
        if unknown:
            text = f"Setting {', '.join(unknown)} is unknown here or not for {user.name}. (UNKNOWN_SETTING)"
            return replies.error(115, text, request.query_id)
        if request.versioned and _HELLO.fullmatch(request.statement):
            answer = Result(replies.hello(self._engine.version), 1, 0, 0.0)
            return replies.result(answer, "Native", request.query_id, compress=False)
        work = partial(self._insert_or_run, request, user)
        limiter = self._writes if user.writes else self._reads
        return await anyio.to_thread.run_sync(work, limiter=limiter)

    def _insert_or_run(self, request: Request, user: User) -> Response:
        insert = INSERT.match(request.statement)
        act: Callable[[Request, User], Response] = self._statement
        if insert is not None and user.writes and not request.readonly:
            act = partial(self._insert, insert)
        try:
            return act(request, user)
        except Refused as refused:
            refusal = refused.refusal
            text = f"{refusal.what}. ({refusal.name})"
            return replies.error(refusal.code, text, request.query_id)
        except RuntimeError as failure:
            return replies.engine_error(str(failure), self._engine.version, request.query_id)

    def _insert(self, insert: re.Match[bytes], request: Request, user: User) -> Response:
        head, format = insert[1].decode(), insert[2].decode()
        data = request.statement[insert.end() :]
        answer = self._engine.insert(head, format, data, user, request.database, request.settings)
        return replies.result(answer, format, request.query_id, compress=False)

    def _statement(self, request: Request, user: User) -> Response:
        sql = request.statement.decode(errors="replace").strip()
        format, answer = self._engine.run(
            sql, request.format, user, request.database, request.settings, request.parameters, request.readonly
        )
        return replies.result(answer, format, request.query_id, request.gzip)


def _from_another_site(http: HttpRequest) -> bool:
    """Whether a browser asks on behalf of some page: loopback is no border to one, and passwords may be defaults."""
    return "origin" in http.headers or http.headers.get("sec-fetch-site", "none") != "none"


def _ok(http: HttpRequest) -> Response:
    return PlainTextResponse("Ok.\n")
