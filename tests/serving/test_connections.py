"""Connections of our servers: who asks nothing or takes nothing is ended, and makes room."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from infra.serving import connections, replies
from infra.serving.connections import Connection, trust
from infra.serving.listening import listen
from infra.serving.replies import InPieces, Unsent

LARGE = bytes(range(256)) * (32 << 10)
"""8 MiB: more than the buffers of two sockets hold."""

release = threading.Event()
arrived = threading.Semaphore(0)
unsent = Unsent(12 << 20)


async def small(request: Request) -> Response:
    return PlainTextResponse("ok")


async def writer(request: Request) -> Response:
    trust(request)
    return PlainTextResponse("ok")


async def large(request: Request) -> Response:
    if not unsent.has_room(len(LARGE)):
        return PlainTextResponse("busy", 503)
    reply = InPieces(LARGE)
    reply.unsent = unsent
    return reply


def held(request: Request) -> Response:
    arrived.release()
    release.wait(10)
    return PlainTextResponse("ok")


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server whose patience is a fifth of a second."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(connections, "STALL_SECONDS", 0.4)
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(connections, "MOST", 4)
    release.clear()
    app = Starlette(routes=[Route(f"/{act.__name__}", act) for act in (small, writer, large, held)])
    listener = listen("127.0.0.1", 0)
    listener.listen(16)
    server = uvicorn.Server(uvicorn.Config(app, http=Connection, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        release.set()
        server.should_exit = True
        thread.join()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 5)


def asked(port: int, path: str) -> socket.socket:
    connection = connected(port)
    connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return connection


def is_ended(connection: socket.socket, within: float = 3.0) -> bool:
    connection.settimeout(within)
    try:
        return connection.recv(65536) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def answer(connection: socket.socket) -> bytes:
    """A short answer, head and body."""
    connection.settimeout(3)
    got = b""
    while not got.endswith((b"\r\n\r\nok", b"busy")) and b" 503 Service Unavailable\r\nC" not in got:
        piece = connection.recv(65536)
        if not piece:
            break
        got += piece
    return got


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET /small HTTP/1.1\r\nHost: a\r\n"])
def test_a_connection_that_does_not_finish_its_question_is_ended(port: int, sent: bytes) -> None:
    with connected(port) as connection:
        connection.sendall(sent)
        assert is_ended(connection)


def test_a_question_that_trickles_is_ended_too(port: int) -> None:
    with asked(port, "small") as connection:
        assert b"ok" in answer(connection)
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 3:  # a byte every 20 ms: no timeout of a single read would see it
                connection.sendall(b"G")
                time.sleep(0.02)
        assert time.monotonic() - began < 2


def test_who_does_not_take_an_answer_is_ended_and_it_is_not_kept(port: int) -> None:
    with asked(port, "large") as connection:
        deadline = time.monotonic() + 3
        while not unsent._held and time.monotonic() < deadline:
            time.sleep(0.01)
        assert unsent._held == len(LARGE)
        with asked(port, "large") as second:  # 8 of 12 MiB wait already
            assert b"503" in answer(second)
        while unsent._held and time.monotonic() < deadline:
            time.sleep(0.01)
        assert unsent._held == 0
        got = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            connection.settimeout(3)
            while piece := connection.recv(1 << 20):
                got += piece
        assert len(got) < len(LARGE)


def test_who_takes_an_answer_slowly_gets_all_of_it(port: int) -> None:
    with asked(port, "large") as connection:
        connection.settimeout(3)
        got = b""
        while len(got) < len(LARGE) and (piece := connection.recv(1 << 20)):
            got += piece
            time.sleep(0.02)
        assert got.endswith(LARGE)


def test_a_whole_answer_has_its_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "SEND_SECONDS", 0.1)
    with asked(port, "large") as connection:
        connection.settimeout(3)
        got = b""
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(64 << 10):
                got += piece
                time.sleep(0.01)
        assert len(got) < len(LARGE)


def test_the_newcomer_takes_the_place_of_who_waited_longest(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 60.0)
    with contextlib.ExitStack() as stack:
        known = stack.enter_context(asked(port, "writer"))
        assert b"ok" in answer(known)
        idle = [stack.enter_context(connected(port)) for _ in range(3)]
        newcomer = stack.enter_context(asked(port, "small"))
        assert b"ok" in answer(newcomer)
        assert is_ended(idle[0])
        assert not is_ended(idle[1], 0.1)
        # The writer's connection has waited longest by far and is kept.
        known.sendall(b"GET /writer HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"ok" in answer(known)


def test_where_all_are_being_answered_the_newcomer_is_told_to_come_again(port: int) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(asked(port, "held"))
            assert arrived.acquire(timeout=3)
        told = answer(stack.enter_context(asked(port, "small")))
        assert b"HTTP/1.1 503" in told
        assert b"Retry-After" in told


def test_a_process_that_may_open_few_files_has_few_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    def limits(of: Any) -> tuple[int, int]:
        return 64, 64

    monkeypatch.setattr(resource, "getrlimit", limits)
    assert connections.at_most() == 16
