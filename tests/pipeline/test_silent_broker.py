"""A worker that meets a broker which hangs at its start waits for it, and comes up when the broker goes on."""

from __future__ import annotations

import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable

import pytest

from infra.embedded.stack import start_tansu
from infra.processes.ports import free_port
from infra.processes.stack import Stack
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from streams.settings import Settings


def wait(condition: Callable[[], bool], stack: Stack, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, stack.log_of("worker").read_text()
        time.sleep(0.1)


@pytest.mark.slow
def test_a_broker_that_hangs_at_a_start_is_waited_for() -> None:
    """It cannot be quicker: the client gives a broker ten seconds before anybody says that it hangs."""
    port = free_port(following=2)
    with Stack() as stack:
        environment = {"GROUNDSWELL_KAFKA": start_tansu(stack, "tansu"), "GROUNDSWELL_METRICS_PORT": str(port)}
        create_topics(plan_of(Settings.from_environment(environment)))
        os.kill(stack.pid_of("tansu"), signal.SIGSTOP)
        try:
            stack.start("worker", [sys.executable, "-m", "streams.commands", "worker", "attribution"], env=environment)
            wait(lambda: "does not answer in time" in stack.log_of("worker").read_text(), stack)
            assert "worker" in stack.running()
        finally:
            os.kill(stack.pid_of("tansu"), signal.SIGCONT)
        wait(lambda: is_ready(port), stack)


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
