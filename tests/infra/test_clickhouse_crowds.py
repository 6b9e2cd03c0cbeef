"""What many readers and strangers may take of the embedded store: never the writer's place, and 2 GiB at most."""

from __future__ import annotations

import contextlib
import resource
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from endpoint_client import ask, credentials
from ground import Store
from raw_http import refused

from infra.embedded.clickhouse.app import READERS_AT_MOST
from infra.embedded.clickhouse.users import READ_LIMITS, READER, READS_AT_ONCE, WRITER
from infra.embedded.stack import store_url
from infra.processes.ports import free_port, listens
from infra.processes.stack import Stack

FILES = 384
"""That the endpoint of this test may have open: fewer than the strangers who come."""

STRANGERS = 450

SLEEP = quote("SELECT sleep(1)")


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An endpoint of its own that may have few files open."""
    port, data = free_port(), tmp_path_factory.mktemp("narrow")
    argv = [sys.executable, "-m", "infra.embedded.clickhouse", "--data", str(data), "--port", str(port)]
    with Stack() as stack:
        limited = ["/bin/sh", "-c", f'ulimit -n {FILES} && exec "$@"', "limited", *argv]
        stack.start("narrow", limited, ready=lambda: listens(port))
        yield Store(port, store_url(WRITER, port), store_url(READER, port))


def connected(store: Store, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", store.port), 5)
    connection.sendall(sent)
    return connection


def inserted_within(store: Store) -> float:
    began = time.monotonic()
    status, body, _ = ask(store, body=b"INSERT INTO crowd FORMAT TSV\n7\n")
    assert status == 200, body
    return time.monotonic() - began


@pytest.fixture
def crowd(narrow: Store) -> Store:
    assert ask(narrow, body=b"CREATE OR REPLACE TABLE crowd (a UInt64) ENGINE = MergeTree ORDER BY a")[0] == 200
    return narrow


def test_strangers_who_say_nothing_do_not_keep_the_writer_out(crowd: Store) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < STRANGERS + 100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, STRANGERS + 100), hard))
    with contextlib.ExitStack() as stack:
        for _ in range(STRANGERS):
            stack.enter_context(connected(crowd))
        assert inserted_within(crowd) < 3
        assert ask(crowd, "SELECT count() FROM crowd")[1] == b"1\n"


def test_a_crowd_of_readers_is_told_to_come_again_and_the_writer_is_served(crowd: Store) -> None:
    user, password, _ = credentials(crowd.reader_store)
    question = f"GET /?user={user}&password={password}&query={SLEEP} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with contextlib.ExitStack() as stack:
        crowd_of = [stack.enter_context(connected(crowd, question.encode())) for _ in range(READERS_AT_MOST + 10)]
        told = b""
        for connection in crowd_of[-10:]:
            connection.settimeout(5)
            told = connection.recv(65536)
            assert told.startswith(b"HTTP/1.1 503"), told
        assert b"retry-after: 1" in told.lower()
        assert inserted_within(crowd) < 3
    # Who hung up while it waited is forgotten: a reader who comes now waits for the four that run alone.
    began, status = time.monotonic(), 503
    while status == 503 and time.monotonic() - began < 6:
        status, _, _ = ask(crowd, "SELECT 1", user=user, password=password)
    assert status == 200


def test_all_readers_together_have_two_gibibytes(crowd: Store) -> None:
    assert READS_AT_ONCE * READ_LIMITS["max_memory_usage"] == 2 << 30
    user, password, _ = credentials(crowd.reader_store)
    sql = b"SELECT length(groupArray(repeat('x', 1000))) FROM numbers(3000000)"
    status, body, _ = ask(crowd, body=sql, user=user, password=password)
    assert status == 500
    assert body.startswith(b"Code: 241.")
    most = ask(crowd, "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'")[1]
    assert int(most) == 4 << 30


def test_a_readers_statement_is_small(crowd: Store) -> None:
    user, password, _ = credentials(crowd.reader_store)
    head = f"POST /?user={user}&password={password} HTTP/1.1\nHost: 127.0.0.1\nContent-Length: {5 << 20}"
    found = refused(crowd.port, head)
    assert (found.status, found.hung_up) == (413, True)


def test_a_statement_that_makes_a_pattern_try_for_ever_takes_no_time(crowd: Store) -> None:
    user, password, _ = credentials(crowd.reader_store)
    began = time.monotonic()
    for who, word in ((user, password), credentials(crowd.store)[:2]):
        for sql in (b"INSERT INTO t SETTINGS" + b" " * 1200 + b"!", b"INSERT INTO t" + b" " * 1200 + b"("):
            assert ask(crowd, body=sql, user=who, password=word)[0] == 400
    hello = b"SELECT displayName(), version(), revision(), timezone()" + b" " * 30_000 + b"!"
    assert ask(crowd, body=hello, user=user, password=password, client_protocol_version="54460")[0] == 400
    assert time.monotonic() - began < 3


def test_what_is_stored_is_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "open" / "data"
    data.mkdir(parents=True, mode=0o755)
    port = free_port()
    argv = [sys.executable, "-m", "infra.embedded.clickhouse", "--data", str(data), "--port", str(port)]
    with Stack(keep=tmp_path / "kept") as stack:
        stack.start("clickhouse", argv, ready=lambda: listens(port))
        ask(Store(port, store_url(WRITER, port), ""), body=b"CREATE TABLE a (a UInt8) ENGINE = MergeTree ORDER BY a")
        found = [data, *data.rglob("*"), tmp_path / "kept", *(tmp_path / "kept").rglob("*")]
        assert len(found) > 10
        assert [path for path in found if not path.is_symlink() and path.stat().st_mode & 0o077] == []
