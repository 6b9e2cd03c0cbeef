"""A split drops packets in the direction that it names, and no process or namespace is left of the network.

The trial itself is this file as a program, in namespaces of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from infra.processes.stack import Stack
from schemas.errors import Fault
from tests.chaos.network import REQUIRED, ROUTER, Network, Pair, enter_private, way_in

ROOT: Final = Path(__file__).parents[2]
PORT: Final = 9000
DROPPED_AFTER: Final = 0.3  # seconds; a packet between two namespaces takes microseconds
LISTEN: Final = f"""
import socket
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(("", {PORT}))
print("listening", flush=True)
while True:
    print(heard.recv(99).decode(), flush=True)
"""
WHY_NOT: Final = "" if os.environ.get(REQUIRED) else way_in()[0]
private = pytest.mark.skipif(bool(WHY_NOT), reason=f"no network namespaces here: {WHY_NOT}")


def trial(*arguments: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "tests.chaos.test_network", *arguments]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@private
def test_a_split_drops_the_packets_of_one_direction_until_it_is_mended() -> None:
    told, _ = trial().communicate(timeout=60)
    assert told.splitlines() == [
        "whole: a>b, a>router, b>a, b>router, router>a, router>b",
        "a>b dropped: a>router, b>a, b>router, router>a, router>b",
        "a alone: b>router, router>b",
        "whole: a>b, a>router, b>a, b>router, router>a, router>b",
        "another network after it: 2 hosts",
    ]


@private
def test_nothing_is_left_of_the_network_of_a_program_that_was_killed() -> None:
    program = trial("stay")
    assert program.stdout is not None
    holders = [int(pid) for pid in program.stdout.readline().split()]
    assert len(holders) == 2
    assert all(Path(f"/proc/{pid}").exists() for pid in holders)
    program.send_signal(signal.SIGKILL)
    program.wait()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in holders):
        assert time.monotonic() < deadline, "the guard has not ended what holds the namespaces"
        time.sleep(0.02)


def test_the_machines_own_network_is_left_alone() -> None:
    with Stack() as stack, pytest.raises(Fault, match="own network"):
        Network(stack, ["a"]).open()


def test_a_machine_without_the_programs_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert not enter_private("tests.chaos", [], {})
    assert "unshare" in capsys.readouterr().out
    with pytest.raises(Fault, match="no network of its own"):
        enter_private("tests.chaos", [], {REQUIRED: "1"})


def tell() -> None:
    """Each way between two hosts and the router, whole, split and mended."""
    with Stack() as stack:
        network = Network(stack, ["a", "b"])
        network.open()
        parties = [*network.hosts, ROUTER]
        for name in parties:
            argv = [*way_to(network, name), sys.executable, "-c", LISTEN]
            stack.start(name, argv, ready=partial(listens, stack, name))
        alone: set[Pair] = {("a", "b"), ("b", "a"), ("a", ROUTER), (ROUTER, "a")}
        whole: set[Pair] = set()
        splits = [("whole", whole), ("a>b dropped", {("a", "b")}), ("a alone", alone), ("whole", whole)]
        for title, dropped in splits:
            network.drop(dropped)
            before = {name: heard(stack, name) for name in parties}
            for sender in parties:
                for receiver in parties:
                    if sender != receiver:
                        say(network, sender, receiver)
            time.sleep(DROPPED_AFTER)
            ways = {line for name in parties for line in stack.log_of(name).read_text().splitlines()[before[name] :]}
            print(f"{title}: {', '.join(sorted(ways))}", flush=True)
        network.close()
    with Stack() as stack:
        network = Network(stack, ["a", "b"])
        network.open()
        print(f"another network after it: {len(stack.running())} hosts")


def way_to(network: Network, name: str) -> tuple[str, ...]:
    return () if name == ROUTER else network.enter(name)


def listens(stack: Stack, name: str) -> bool:
    return heard(stack, name) > 0


def heard(stack: Stack, name: str) -> int:
    log = stack.log_of(name)
    return len(log.read_text().splitlines()) if log.exists() else 0


def say(network: Network, sender: str, receiver: str) -> None:
    where = f"/dev/udp/{network.address[receiver]}/{PORT}"
    argv = ["bash", "-c", f"echo -n '{sender}>{receiver}' >{where}"]
    # A packet of our own that is dropped on its way out is an error of ours, and no news.
    subprocess.run([*way_to(network, sender), *argv], stderr=subprocess.DEVNULL, check=False)


def stay() -> None:
    """Print who holds the hosts, and wait to be killed."""
    with Stack() as stack:
        network = Network(stack, ["a", "b"])
        network.open()
        print(*[stack.pid_of(name) for name in stack.running()], flush=True)
        signal.pause()


if __name__ == "__main__":
    if enter_private("tests.chaos.test_network", sys.argv[1:]):
        stay() if sys.argv[1:] else tell()
