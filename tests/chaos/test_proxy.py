"""The proxy before ClickHouse does to a connection what its mode says: a fault that does nothing proves nothing."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.processes.ports import free_port
from tests.chaos.proxy import CUT_AFTER, Proxy

ROWS = b"x" * (2 * CUT_AFTER)


class Store(BaseHTTPRequestHandler):
    """Takes what is posted, whole, and says so."""

    taken: list[int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) == len(ROWS):
            self.taken.append(len(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def proxy() -> Iterator[tuple[Proxy, list[int]]]:
    taken: list[int] = []
    handler = type("Taking", (Store,), {"taken": taken})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        between = Proxy(free_port(), server.server_address[1])
        between.start()
        yield between, taken
        between.stop()
        server.shutdown()


def insert(proxy: Proxy, timeout: float = 3.0) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=timeout)
    try:
        connection.request("POST", "/", ROWS)
        return connection.getresponse().status
    finally:
        connection.close()


def test_it_passes_what_it_should_pass(proxy: tuple[Proxy, list[int]]) -> None:
    between, taken = proxy
    assert insert(between) == 200
    assert taken == [len(ROWS)]


def test_a_lost_acknowledgement_is_of_rows_that_are_in(proxy: tuple[Proxy, list[int]]) -> None:
    between, taken = proxy
    between.mode = "lose"
    with pytest.raises((OSError, http.client.HTTPException)):
        insert(between)
    assert taken == [len(ROWS)]
    assert between.troubled == 1


@pytest.mark.parametrize("mode", ["refuse", "cut"])
def test_what_is_refused_or_cut_is_not_in(proxy: tuple[Proxy, list[int]], mode: str) -> None:
    between, taken = proxy
    between.mode = mode  # type: ignore[assignment]
    with pytest.raises((OSError, http.client.HTTPException)):
        insert(between)
    time.sleep(0.2)
    assert taken == []
    between.mode = "pass"
    assert insert(between) == 200, "and afterwards all is well again"


def test_what_hangs_goes_on_afterwards(proxy: tuple[Proxy, list[int]]) -> None:
    between, taken = proxy
    between.mode = "hang"
    threading.Timer(0.5, lambda: setattr(between, "mode", "pass")).start()
    begun = time.monotonic()
    assert insert(between, timeout=10.0) == 200
    assert time.monotonic() - begun >= 0.4
    assert taken == [len(ROWS)]


def test_slow_is_slow(proxy: tuple[Proxy, list[int]]) -> None:
    between, _ = proxy
    between.mode = "slow"
    begun = time.monotonic()
    assert insert(between, timeout=10.0) == 200
    assert time.monotonic() - begun >= 1.9
