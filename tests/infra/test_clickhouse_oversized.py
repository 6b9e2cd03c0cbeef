"""Forged and oversized requests to the embedded endpoint: refused without work, and hung up on."""

from __future__ import annotations

import base64
import http.client
import os
from pathlib import Path

import pytest
from endpoint_client import ask, credentials
from ground import Store
from raw_http import endless, refused

from infra.embedded.clickhouse.protocol import MAX_BODY
from infra.embedded.clickhouse.users import DEFAULT_PASSWORDS, WRITER, are_guarded
from infra.processes.stack import Stack

MEMORY_KIB = 64 * 1024


def head(store: Store, *lines: str, path: str = "/", method: str = "POST", host: str = "", who: str = "") -> str:
    user, password, _ = credentials(store.store)
    known = base64.b64encode(f"{user}:{password}".encode()).decode()
    asked = [f"{method} {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{store.port}'}"]
    return "\n".join([*asked, f"Authorization: Basic {who or known}", *lines])


@pytest.fixture
def memory(ground: Stack) -> int:
    """Peak memory of the endpoint, KiB, before the test."""
    return peak(ground)


def peak(ground: Stack) -> int:
    status = Path(f"/proc/{ground.pid_of('clickhouse')}/status")
    if not status.exists():
        pytest.skip("the system does not tell how much memory a process had")
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def test_a_body_that_is_said_to_be_huge_is_refused_before_it_comes(clickhouse: Store) -> None:
    for length in (MAX_BODY + 1, 10**12, 10**18):
        found = refused(clickhouse.port, head(clickhouse, f"Content-Length: {length}"))
        assert (found.status, found.hung_up) == (413, True), length
        assert found.seconds < 2


@pytest.mark.parametrize("length", ["-1", "1e9", "0x10", "1, 2", "9" * 40, "eleven"])
def test_a_length_that_is_none_is_refused(clickhouse: Store, length: str) -> None:
    found = refused(clickhouse.port, head(clickhouse, f"Content-Length: {length}"))
    assert found.status in (400, 413)
    assert found.hung_up


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x"])
@pytest.mark.slow
def test_a_body_that_does_not_end_is_cut_at_the_limit(clickhouse: Store, kind: str) -> None:
    lines = (f"Content-Type: {kind}", "Transfer-Encoding: chunked")
    found = refused(clickhouse.port, head(clickhouse, *lines), endless())
    assert found.status in (0, 400, 413)  # 0: hung up on before we listened
    assert found.hung_up
    assert found.sent <= MAX_BODY + (16 << 20)
    assert ask(clickhouse, "SELECT 1")[1] == b"1\n"


def form_of(parts: int, size: int) -> list[bytes]:
    part = b'--x\r\nContent-Disposition: form-data; name="param_%d"\r\n\r\n' + b"a" * size + b"\r\n"
    return [b"%x\r\n%s\r\n" % (len(part % number), part % number) for number in range(parts)]


def test_a_form_of_many_large_parts_is_cut_at_the_limit_of_all(clickhouse: Store) -> None:
    lines = ("Content-Type: multipart/form-data; boundary=x", "Transfer-Encoding: chunked")
    found = refused(clickhouse.port, head(clickhouse, *lines), form_of(80, 4 << 20))
    assert found.status in (0, 413)
    assert found.hung_up
    assert found.sent <= MAX_BODY + (16 << 20)


def test_a_form_of_too_many_parts_or_with_files_is_refused(clickhouse: Store) -> None:
    lines = ("Content-Type: multipart/form-data; boundary=x", "Transfer-Encoding: chunked")
    end = [b"5\r\n--x--\r\n0\r\n\r\n"]
    assert refused(clickhouse.port, head(clickhouse, *lines), [*form_of(1001, 1), *end], 2).status == 400
    file = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\na\r\n--x--\r\n'
    body = [b"%x\r\n%s\r\n0\r\n\r\n" % (len(file), file)]
    assert refused(clickhouse.port, head(clickhouse, *lines), body, 2).status == 400


def test_nobody_is_read_who_is_not_known(clickhouse: Store, ground: Stack, memory: int) -> None:
    forged = base64.b64encode(b"groundswell:wrong").decode()
    for lines in (("Transfer-Encoding: chunked",), (f"Content-Length: {MAX_BODY}",)):
        found = refused(clickhouse.port, head(clickhouse, *lines, who=forged), endless(10))
        assert found.status in (0, 401)
        assert found.hung_up
        assert found.sent < 32 << 20
    assert peak(ground) - memory < MEMORY_KIB


HOSTS = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:8123", "[::2]", "10.0.0.1"]


@pytest.mark.parametrize("host", HOSTS)
def test_another_name_is_refused_before_anything_is_read(clickhouse: Store, host: str) -> None:
    known = {name: value for name, value in os.environ.items() if name.startswith("GROUNDSWELL_")}
    assert not are_guarded(DEFAULT_PASSWORDS), known
    found = refused(clickhouse.port, head(clickhouse, "Transfer-Encoding: chunked", host=host), endless(10))
    assert found.status in (0, 403)
    assert found.hung_up
    assert found.sent < 32 << 20
    assert refused(clickhouse.port, head(clickhouse, path="/?query=SELECT%201", host=host), patience=1).status == 403


def test_two_hosts_or_none_are_refused(clickhouse: Store) -> None:
    assert (
        refused(clickhouse.port, "GET /?query=SELECT%201 HTTP/1.1\nHost: 127.0.0.1\nHost: evil.example").status == 400
    )
    assert refused(clickhouse.port, "GET /?query=SELECT%201 HTTP/1.1\nAccept: */*").status == 400


HEADS = {
    "many headers": "\n".join(f"X-{number}: a" for number in range(20_000)),
    "a long header": f"X-Long: {'a' * 1_000_000}",
    "a header that does not end": f"X-Long: {'a' * 200_000}",
    "no header at all": "this is no header",
    "a header in a name": "X Y: a",
}


@pytest.mark.parametrize("what", HEADS)
def test_forged_headers_are_refused(clickhouse: Store, ground: Stack, memory: int, what: str) -> None:
    found = refused(clickhouse.port, head(clickhouse, HEADS[what]))
    assert found.status in (0, 400)
    assert found.hung_up
    assert peak(ground) - memory < MEMORY_KIB


@pytest.mark.parametrize(
    "line", ["GET", f"GET /{'a' * 1_000_000} HTTP/1.1", "GET / HTTP/9.9", "\x00\x01\x02", "PRI * HTTP/2.0"]
)
def test_what_is_no_request_is_refused(clickhouse: Store, line: str) -> None:
    found = refused(clickhouse.port, f"{line}\nHost: 127.0.0.1", patience=2)
    assert found.status in (0, 400, 401, 404)


@pytest.mark.parametrize("path", ["/ping", "/replicas_status", "/play", "/nothing"])
def test_a_body_that_nobody_asked_for_is_hung_up_on(clickhouse: Store, path: str) -> None:
    asked = head(clickhouse, "Transfer-Encoding: chunked", path=path, method="GET")
    found = refused(clickhouse.port, asked, endless(10))
    assert found.hung_up
    assert found.sent < 32 << 20


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "OPTIONS"])
def test_other_methods_do_nothing(clickhouse: Store, method: str) -> None:
    found = refused(clickhouse.port, head(clickhouse, path="/?query=SELECT%201", method=method), patience=1)
    assert found.status in (400, 404, 405)


def test_a_client_that_goes_in_the_midst_is_no_stack_trace(clickhouse: Store, ground: Stack) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", clickhouse.port, timeout=5)
    user, password, _ = credentials(clickhouse.store)
    connection.putrequest("POST", f"/?user={user}&password={password}")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"SELECT")
    connection.close()
    assert ask(clickhouse, "SELECT 1")[1] == b"1\n"
    said = ground.log_of("clickhouse").read_text()
    assert "Traceback" not in said
    assert DEFAULT_PASSWORDS[WRITER] + "&" not in said
