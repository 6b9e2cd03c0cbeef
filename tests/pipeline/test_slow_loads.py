"""A state that takes long to load is no reason to hang: a worker folds in the end, or it ends and says why."""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.processes.ports import free_port
from infra.processes.stack import Stack
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from streams.settings import Settings

PROGRAM = str(Path(__file__).with_name("slow_loading.py"))
PATIENCE = 60.0


class Worker:
    """That program as a process over topics of its own, and what its pages answer."""

    def __init__(self, stack: Stack, kafka: str, prefix: str) -> None:
        self._stack = stack
        self._port = free_port(following=2)
        self._environment = {
            "GROUNDSWELL_KAFKA": kafka,
            "GROUNDSWELL_PREFIX": prefix,
            "GROUNDSWELL_GROUP_PREFIX": f"{prefix}group",
            "GROUNDSWELL_METRICS_PORT": str(self._port),
            "GROUNDSWELL_SESSION_TIMEOUT": "6",
            "GROUNDSWELL_STUCK_AFTER": "5",
        }
        create_topics(plan_of(Settings.from_environment(self._environment)))

    def start(self, what: str) -> None:
        self._stack.start("worker", [sys.executable, PROGRAM, what], env=self._environment)

    def ask(self, path: str) -> tuple[int, str]:
        """Status and reason; 0 where nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=2) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, str(json.loads(error.read())["why"])
        except OSError:
            return 0, ""

    def ask_until(self, path: str, words: str) -> tuple[int, str]:
        """The first answer with these words."""
        deadline = time.monotonic() + PATIENCE
        while words not in (answer := self.ask(path))[1]:
            assert time.monotonic() < deadline, f"{answer}\n{self.log()}"
            time.sleep(0.1)
        return answer

    def end(self) -> int:
        """The exit code, once it has ended by itself."""
        deadline = time.monotonic() + PATIENCE
        while "worker" in self._stack.running():
            assert time.monotonic() < deadline, f"it runs still\n{self.log()}"
            time.sleep(0.05)
        return self._stack.kill_child("worker")

    def log(self) -> str:
        return self._stack.log_of("worker").read_text()


@pytest.fixture
def worker(tansu: str, prefix: str) -> Iterator[Worker]:
    with Stack() as stack:
        yield Worker(stack, tansu, prefix)


def test_a_load_longer_than_fausts_bound_ends_in_a_worker_that_folds(worker: Worker) -> None:
    worker.start("slow")
    status, why = worker.ask_until("/readyz", "of 30 records read")
    assert status == 503
    assert why.startswith("loading the state of partition 0: ")
    assert worker.ask("/healthz")[0] == 200
    assert 'groundswell_loading_ratio{partition="0"} 0.' in worker.ask("/metrics")[1]
    assert worker.ask_until("/readyz", '"ok":true') == (200, '{"ok":true}')


def test_a_load_without_progress_is_said_and_ended(worker: Worker) -> None:
    worker.start("still")
    assert worker.ask_until("/readyz", "8.0 MB, 12 of 30 records read")[0] == 503
    assert worker.end() == 1
    assert "while loading the state of partition 0: 8.0 MB, 12 of 30 records read: ended, to be" in worker.log()


def test_a_worker_whose_placing_ends_is_started_again(worker: Worker) -> None:
    worker.start("ended")
    assert worker.end() == 1
    assert "the task that places this worker after an assignment has ended" in worker.log()
