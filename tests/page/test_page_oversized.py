"""Forged and oversized requests to the live page: refused without work, and hung up on."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from raw_http import Refusal, endless, refused

from dashboards.page.app import BODY_SECONDS
from infra.processes.stack import Stack

JSON = "Content-Type: application/json"
FEW_BYTES = 32 << 20  # what kernels and the server's buffer take before anybody looks


def at(address: str, method: str, path: str, *lines: str, host: str = "", **more: object) -> Refusal:
    parts = urlsplit(address)
    head = "\n".join([f"{method} {path} HTTP/1.1", f"Host: {host or parts.netloc}", *lines])
    return refused(int(parts.port or 0), head, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [64 * 1024 + 1, 10**9, 10**18])
def test_a_question_that_is_said_to_be_huge_is_refused_before_it_comes(page_address: str, length: int) -> None:
    found = at(page_address, "POST", "/api/sql", JSON, f"Content-Length: {length}")
    assert (found.status, found.hung_up) == (413, True)
    assert found.seconds < 2


def test_a_question_that_does_not_end_is_cut_at_the_limit(page_address: str) -> None:
    found = at(page_address, "POST", "/api/sql", JSON, "Transfer-Encoding: chunked", body=endless(10))
    assert found.status in (0, 413)
    assert found.hung_up
    assert found.sent < FEW_BYTES


def test_a_question_that_does_not_come_is_not_waited_for(page_address: str) -> None:
    found = at(page_address, "POST", "/api/sql", JSON, "Content-Length: 20", body=[b'{"sql'], patience=BODY_SECONDS + 5)
    assert (found.status, found.hung_up) == (408, True)


@pytest.mark.parametrize("path", ["/", "/sql", "/api/boards", "/static/main.js", "/nothing"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_but_a_question_has_a_body(page_address: str, method: str, path: str) -> None:
    for line in ("Content-Length: 1", "Transfer-Encoding: chunked"):
        found = at(page_address, method, path, line, body=endless(10) if "chunked" in line else ())
        assert found.status in (0, 413)
        assert found.hung_up
        assert found.sent < FEW_BYTES


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "[::2]:80", "0"])
def test_another_name_is_refused_and_hung_up_on(page_address: str, host: str) -> None:
    found = at(page_address, "POST", "/api/sql", JSON, "Transfer-Encoding: chunked", host=host, body=endless(10))
    assert found.status in (0, 421)
    assert found.hung_up
    assert found.sent < FEW_BYTES


@pytest.mark.parametrize(
    "line",
    [
        "\n".join(f"X-{number}: a" for number in range(20_000)),
        f"X-Long: {'a' * 1_000_000}",
        "Content-Length: -1",
        "Content-Length: 1\nContent-Length: 2",
        "Content-Length: 1\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip",
        "Host: evil.example",
        "this is no header",
    ],
    ids=["many headers", "a long one", "below zero", "two lengths", "two ways", "unknown", "two hosts", "none"],
)
def test_forged_headers_are_refused(page_address: str, line: str) -> None:
    found = at(page_address, "POST", "/api/sql", JSON, line, patience=3)
    assert found.status in (0, 400, 408, 413, 501)
    assert found.hung_up or found.status == 0


def test_after_all_that_the_page_says_no_stack_trace(page_address: str, ground: Stack) -> None:
    assert at(page_address, "GET", "/api/boards", patience=1).status == 200
    assert "Traceback" not in ground.log_of("page").read_text()
