"""The endpoint as a process: what it refuses at its start, and what it has kept when it is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from endpoint_client import ask
from ground import ROOT, Store

from infra.embedded.clickhouse.users import READER, WRITER
from infra.embedded.stack import start_clickhouse, store_url
from infra.processes.ports import free_port
from infra.processes.stack import Stack
from schemas.errors import Fault

BLOCK = 200


def endpoint(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """An endpoint that is expected to end by itself."""
    command = [sys.executable, "-m", "infra.embedded.clickhouse", *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_a_held_directory_names_its_holder(tmp_path: Path) -> None:
    with Stack() as stack:
        start_clickhouse(stack, tmp_path / "data", free_port())
        done = endpoint("--data", str(tmp_path / "data"), "--port", "0")
        assert done.returncode == 2
        assert f"held by process {stack.pid_of('clickhouse')} (" in done.stderr
        assert done.stderr.count("\n") == 1
        with pytest.raises(Fault, match="held by process"):
            start_clickhouse(stack, tmp_path / "data", free_port(), name="second")


def test_a_taken_port_is_a_fault(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = endpoint("--data", str(tmp_path / "data"), "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "cannot be listened on" in done.stderr
    assert done.stderr.count("\n") == 1


def test_default_passwords_stay_on_loopback(tmp_path: Path) -> None:
    for passwords in ({}, {"GROUNDSWELL_WRITER_PASSWORD": "x", "GROUNDSWELL_READER_PASSWORD": ""}):
        done = endpoint("--data", str(tmp_path / "data"), "--port", "0", "--host", "0.0.0.0", **passwords)
        assert done.returncode == 2
        assert "GROUNDSWELL_READER_PASSWORD" in done.stderr


def test_a_directory_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = endpoint("--data", str(tmp_path / "file" / "data"), "--port", "0")
    assert done.returncode == 2
    assert "cannot be made" in done.stderr


def test_the_endpoints_clock_is_utc_wherever_the_laptop_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    with Stack() as stack:
        port = free_port()
        start_clickhouse(stack, tmp_path / "data", port)
        store = Store(port, store_url(WRITER, port), store_url(READER, port))
        asked = "SELECT timezone(), toDateTime(0), serverTimezone()"
        assert ask(store, asked)[1] == b"UTC\t1970-01-01 00:00:00\tUTC\n"


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "infra.embedded.clickhouse", "--data", str(tmp_path / "data"), "--port", "0"]
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen([*command, "--ready-file", str(ready)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        assert lines[1].startswith("ready http://127.0.0.1:")
        process.send_signal(number)
        assert process.wait(20) == 0
        process.stdout.close()
        assert lines[1].split()[1] == ready.read_text().strip()


def test_sigkill_amid_inserts_loses_no_acknowledged_row(tmp_path: Path) -> None:
    with Stack() as stack:
        port = free_port()
        start_clickhouse(stack, tmp_path / "data", port)
        store = Store(port, store_url(WRITER, port), store_url(READER, port))
        assert ask(store, body=b"CREATE TABLE kept (a UInt64) ENGINE = ReplacingMergeTree ORDER BY a")[0] == 200
        acknowledged: list[int] = []
        for trial in range(3):
            writers = [
                threading.Thread(target=insert_until_refused, args=(store, acknowledged, trial * 10 + number))
                for number in range(2)
            ]
            for writer in writers:
                writer.start()
            while len(acknowledged) < 40 * (trial + 1):
                threading.Event().wait(0.01)
            assert stack.kill_child("clickhouse") == -signal.SIGKILL
            for writer in writers:
                writer.join()
            stack.restart_child("clickhouse")
            rows = {int(line) for line in ask(store, "SELECT a FROM kept FINAL")[1].split()}
            assert not [first for first in acknowledged if not set(range(first, first + BLOCK)) <= rows]


def insert_until_refused(store: Store, acknowledged: list[int], series: int) -> None:
    """Blocks of rows of a series of their own; `acknowledged` gets the first row of each that landed."""
    first = series * 10_000_000
    while True:
        block = "\n".join(json.dumps({"a": first + row}) for row in range(BLOCK))
        try:
            status, _, _ = ask(store, "INSERT INTO kept FORMAT JSONEachRow", block.encode())
        except OSError:
            return
        assert status == 200
        acknowledged.append(first)
        first += BLOCK
