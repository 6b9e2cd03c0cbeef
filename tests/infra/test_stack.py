"""What a stack starts is watched while it runs and gone when it ends, however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ground import ROOT

from infra.processes import guard
from infra.processes.child import GATE
from infra.processes.ports import free_port, listens
from infra.processes.stack import Stack
from schemas.errors import Fault

SLEEPER = ("/bin/sh", "-c", "sleep 1000 & sleep 1000")
STUBBORN = ("/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")

# SIGHUP is ignored by whoever was started under nohup, and by its children.
PARENT = """
import json, os, signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from pathlib import Path
from infra.processes.stack import Stack
keep = Path(sys.argv[1]) if sys.argv[1] else None
with Stack(keep) as stack:
    stack.start("sleeper", ["/bin/sh", "-c", "sleep 1000 & sleep 1000"])
    stack.start("other", ["/bin/sh", "-c", "while :; do echo x >> $FILE; sleep 0.01; done"],
                env={"FILE": str(stack.folder / "written")})
    print(json.dumps([str(stack.folder), stack.pid_of("sleeper"), stack.pid_of("other"), stack._guard.pid]), flush=True)
    exec(sys.argv[2])
"""


def until(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def group_lives(group: int) -> bool:
    """Whether a process of the group runs; one that nobody has reaped yet does not."""
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return any(int(row[0]) == group and not row[1].startswith("Z") for row in rows)


def parent(keep: str, then: str) -> tuple[subprocess.Popen[str], Path, list[int]]:
    """A process with a stack: itself, the stack's folder, the groups of its children and of its guard."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, keep, then],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    folder, *groups = json.loads(process.stdout.readline())
    process.stdout.close()
    return process, Path(folder), groups


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGABRT])
def test_nothing_is_left_when_the_parent_is_ended_by_a_signal(number: signal.Signals) -> None:
    process, folder, groups = parent("", "time.sleep(1000)")
    assert until((folder / "written").exists)
    process.send_signal(number)
    process.wait(15)
    assert until(lambda: not any(group_lives(group) for group in groups))
    assert until(lambda: not folder.exists())


@pytest.mark.parametrize("then", ["os._exit(1)", "raise RuntimeError", "os.abort()", "sys.exit(3)", "pass"])
def test_nothing_is_left_when_the_parent_ends_itself(then: str) -> None:
    process, folder, groups = parent("", then)
    process.wait(15)
    assert until(lambda: not any(group_lives(group) for group in groups))
    assert until(lambda: not folder.exists())


def test_a_kept_folder_survives_sigkill_and_the_children_do_not(tmp_path: Path) -> None:
    process, folder, groups = parent(str(tmp_path / "kept"), "time.sleep(1000)")
    assert until((folder / "written").exists)
    process.kill()
    process.wait(15)
    assert until(lambda: not any(group_lives(group) for group in groups))
    assert folder == tmp_path / "kept"
    assert (folder / "written").exists()


def test_the_guard_ends_even_a_child_that_does_not_listen() -> None:
    child = subprocess.Popen(STUBBORN, start_new_session=True)
    time.sleep(0.2)
    guard.end([child.pid], patience=0.3)
    assert child.wait(5) == -signal.SIGKILL


def test_the_guard_forgets_what_has_been_reaped() -> None:
    assert guard.learn(["folder /a b\n", "child 12\n", "child 13\n", "gone 12\n", "gone 99\n"]) == ([13], ["/a b"])


def test_a_program_never_runs_when_its_parent_dies_before_the_gate_opens(tmp_path: Path) -> None:
    gate = subprocess.Popen([*GATE, "/usr/bin/touch", str(tmp_path / "ran")], stdin=subprocess.PIPE)
    assert gate.stdin is not None
    gate.stdin.close()
    assert gate.wait(5) != 0
    assert not (tmp_path / "ran").exists()


def test_children_are_out_of_reach_of_a_terminals_interrupt() -> None:
    with Stack() as stack:
        stack.start("sleeper", SLEEPER)
        assert os.getpgid(stack.pid_of("sleeper")) == stack.pid_of("sleeper")
        assert os.getsid(stack.pid_of("sleeper")) != os.getsid(0)


def test_a_child_that_dies_is_a_fault_that_says_who_how_and_why() -> None:
    with Stack() as stack:
        stack.start("worker", ["/bin/sh", "-c", "echo starting; echo the last word >&2; exit 7"])
        assert until(lambda: stack.running() == ())
        with pytest.raises(Fault, match=r"worker has died with exit code 7.*starting \| the last word"):
            stack.check()


def test_a_child_that_dies_before_it_is_ready_is_a_fault_at_once() -> None:
    with Stack() as stack, pytest.raises(Fault, match="exit code 3"):
        stack.start("worker", ["/bin/sh", "-c", "exit 3"], ready=lambda: False)


def test_a_program_that_does_not_exist_is_a_fault() -> None:
    with Stack() as stack, pytest.raises(Fault, match="no-such-program"):
        stack.start("worker", ["/no-such-program"], ready=lambda: False)


def test_a_child_that_is_never_ready_is_a_fault() -> None:
    with Stack() as stack, pytest.raises(Fault, match=r"not ready within 0 s.*still thinking"):
        stack.start("worker", ["/bin/sh", "-c", "echo still thinking; sleep 100"], ready=lambda: False, within=0.4)


def test_a_child_may_end_where_that_was_said() -> None:
    with Stack() as stack:
        stack.start("task", ["/bin/true"], may_end=True)
        stack.start("failing task", ["/bin/false"], may_end=True)
        assert until(lambda: stack.running() == ())
        with pytest.raises(Fault, match="failing task"):
            stack.check()


def test_a_stopped_or_killed_child_is_no_fault_and_starts_again(tmp_path: Path) -> None:
    port = free_port()
    serve = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with Stack() as stack:
        stack.start("server", serve, ready=lambda: listens(port))
        before = stack.pid_of("server")
        assert stack.kill_child("server") == -signal.SIGKILL
        assert not listens(port)
        stack.check()
        stack.restart_child("server")
        assert listens(port)
        assert stack.pid_of("server") != before
        assert stack.stop_child("server") == -signal.SIGTERM
        stack.check()


def test_children_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    with Stack() as stack:
        for name in ("first", "second", "third"):
            script = f"trap 'echo {name} >> {noted}; exit 0' TERM; echo up; while :; do sleep 0.02; done"
            log = stack.log_of(name)
            stack.start(name, ["/bin/sh", "-c", script], ready=lambda log=log: "up" in log.read_text())
    assert noted.read_text().split() == ["third", "second", "first"]


def test_a_child_that_does_not_listen_is_killed_when_patience_is_over() -> None:
    with Stack(patience=0.3) as stack:
        stack.start("stubborn", STUBBORN)
        time.sleep(0.2)
        began = time.monotonic()
    assert 0.2 < time.monotonic() - began < 5


def test_the_death_of_the_guard_is_noticed() -> None:
    with Stack() as stack:
        assert stack._guard is not None
        stack._guard.kill()
        stack._guard.wait()
        with pytest.raises(Fault, match="guards the children"):
            stack.check()
        stack.start("sleeper", SLEEPER)
        group = stack.pid_of("sleeper")
    assert until(lambda: not group_lives(group))


def test_what_a_stack_writes_is_for_its_user_alone() -> None:
    with Stack() as stack:
        assert stack.folder.stat().st_mode & 0o777 == 0o700


def test_temporary_files_of_children_go_with_the_stack(tmp_path: Path) -> None:
    script = 'mktemp "$TMPDIR/left-XXXXXX"; echo up; sleep 1000'
    for keep in (None, tmp_path / "kept"):
        with Stack(keep) as stack:
            log = stack.log_of("worker")
            stack.start("worker", ["/bin/sh", "-c", script], ready=lambda log=log: "up" in log.read_text())
            left = Path(log.read_text().split()[0])
            assert left.exists()
        assert not left.exists()


def test_free_ports_are_never_handed_out_twice() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == 200


def test_free_ports_are_apart_and_out_of_the_way_of_a_machines_own_connections() -> None:
    first, other = free_port(following=2), free_port()
    assert other not in range(first, first + 3)
    assert {first, first + 2, other} < set(range(15_000, 32_000))
    with socket.create_server(("127.0.0.1", first)), socket.create_server(("127.0.0.1", first + 2)):
        assert listens(first)
