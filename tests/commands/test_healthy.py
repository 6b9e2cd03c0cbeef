"""`groundswell healthy`: the worker's own word comes first, and it is printed; then the broker's."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from infra.processes.ports import free_port
from schemas.errors import Fault
from streams.monitoring.health import HealthStatus
from streams.monitoring.http import Server

module = importlib.import_module("streams.commands.healthy")  # the package holds the command under this name
LOADING = "loading the state of partition 3: 41.2 MB, 60 of 64 records read"


@contextmanager
def conversion_that_says(judgement: HealthStatus) -> Iterator[dict[str, str]]:
    """The environment of a conversion worker with that opinion of itself."""
    port = free_port()
    server = Server("127.0.0.1", port, list, lambda: judgement)
    server.start()
    try:
        yield {"GROUNDSWELL_METRICS_PORT": str(port - 1), "GROUNDSWELL_METRICS_HOST": "0.0.0.0"}
    finally:
        server.stop()


def asked(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit code and what is printed, with a broker that would count this machine's worker in."""

    class Client:
        def describe_groups(self, groups: list[str]) -> dict[str, dict[str, list[dict[str, str]]]]:
            return {group: {"members": [{"client_host": "/127.0.0.1"}]} for group in groups}

    @contextmanager
    def admin(*_: object) -> Iterator[Client]:
        yield Client()

    monkeypatch.setattr(module, "admin", admin)
    monkeypatch.setattr(module, "addresses_towards", lambda brokers: {"127.0.0.1"})
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(module.healthy, ["conversion"], standalone_mode=False)
    assert not isinstance(done.exception, Fault), done.exception
    return done.return_value, done.output


def test_a_worker_that_hangs_is_not_healthy_though_it_is_in_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    with conversion_that_says(HealthStatus("no progress for 130 s", "no progress for 130 s")) as environment:
        assert asked(environment, monkeypatch) == (1, "conversion: not healthy: no progress for 130 s\n")


def test_a_worker_that_loads_is_healthy_and_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with conversion_that_says(HealthStatus(None, LOADING)) as environment:
        code, said = asked(environment, monkeypatch)
    assert (code, said.splitlines()[0]) == (0, f"conversion: healthy, not ready: {LOADING}")


def test_a_worker_that_does_not_answer_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    code, said = asked({"GROUNDSWELL_METRICS_PORT": str(port - 1)}, monkeypatch)
    assert (code, said) == (1, f"conversion: no answer at 127.0.0.1:{port} (ConnectionRefusedError)\n")


def test_without_a_port_the_broker_alone_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = asked({}, monkeypatch)
    assert (code, said) == (0, "groundswell-conversion: 1 members, 1 on this machine\n")
