"""No secret stands in the environment of a process that we start, where /proc shows it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from endpoint_client import ask
from ground import ROOT, Store

from infra.embedded.stack import start_clickhouse
from infra.processes.ports import free_port, listens
from infra.processes.sealed import sealed
from infra.processes.stack import Stack
from schemas.secret import FILE, READER_PASSWORD, STORE_PASSWORD, WRITER_PASSWORD, secret
from streams.settings import Settings

PASSWORD = "tide/marker: 7d1f"


def environment_of(pid: int) -> bytes:
    file = Path(f"/proc/{pid}/environ")
    if not file.exists():
        pytest.skip("the system does not show the environment of a process")
    return file.read_bytes()


def test_the_store_is_started_without_its_passwords_in_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WRITER_PASSWORD, PASSWORD)
    monkeypatch.setenv("GROUNDSWELL_STORE", "clickhouse://x:tide%2Fmarker%3A%207d1f@127.0.0.1:1/groundswell")
    port = free_port()
    with Stack() as stack:
        start_clickhouse(stack, stack.folder / "clickhouse", port)
        shown = environment_of(stack.pid_of("clickhouse")) + environment_of(stack._guard.pid)  # type: ignore[union-attr]
        assert b"marker" not in shown
        assert f"{WRITER_PASSWORD}{FILE}=".encode() in shown
        store = Store(port, "clickhouse://groundswell:x@127.0.0.1/groundswell", "")
        assert ask(store, "SELECT 1", user="groundswell", password=PASSWORD)[:2] == (200, b"1\n")
        assert ask(store, "SELECT 1", user="groundswell", password="groundswell")[0] == 401
        files = [path for path in stack.folder.rglob("groundswell_*") if path.is_file()]
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_the_store_hides_what_somebody_gave_it_by_hand(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "infra.embedded.clickhouse", "--data", str(tmp_path / "d"), "--port", str(port)]
    given = {**os.environ, WRITER_PASSWORD: PASSWORD, READER_PASSWORD: PASSWORD + "r", STORE_PASSWORD: PASSWORD}
    with subprocess.Popen(command, cwd=ROOT, env=given, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 30
            while not listens(port):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert b"marker" not in environment_of(process.pid)
            store = Store(port, "clickhouse://groundswell:x@127.0.0.1/groundswell", "")
            assert ask(store, "SELECT 1", user="groundswell", password=PASSWORD)[0] == 200
            assert ask(store, "SELECT 1", user="reader", password=PASSWORD + "r")[0] == 200
        finally:
            process.terminate()
    assert process.returncode == 0


def test_the_password_in_an_address_goes_into_a_file_and_is_found_there(tmp_path: Path) -> None:
    given = {"GROUNDSWELL_STORE": "clickhouse://me:tide%2Fmarker%3A%207d1f@127.0.0.1:1/a", "GROUNDSWELL_PREFIX": "p-"}
    kept = sealed(given, tmp_path / "secrets")
    assert "marker" not in str(kept)
    assert secret(kept, STORE_PASSWORD) == PASSWORD
    assert Settings.from_environment(kept).store == given["GROUNDSWELL_STORE"]
    assert kept["GROUNDSWELL_PREFIX"] == "p-"


def test_a_secret_beside_its_file_is_left_for_the_child_to_refuse(tmp_path: Path) -> None:
    given = {WRITER_PASSWORD: "a", WRITER_PASSWORD + FILE: "b"}
    assert sealed(given, tmp_path) == given
