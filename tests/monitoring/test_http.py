"""The three pages, asked over HTTP as Prometheus and a supervisor would."""

from __future__ import annotations

import re
import socket
import urllib.error
import urllib.request

import pytest
from ground import ROOT
from prometheus_client.parser import text_string_to_metric_families

from infra.processes.ports import free_port
from schemas.errors import Fault
from streams.monitoring.health import HealthStatus
from streams.monitoring.http import Server
from streams.monitoring.metrics import KINDS, PREFIX, Sample


def serve(figures: list[Sample], judgement: HealthStatus) -> Server:
    server = Server("127.0.0.1", free_port(), lambda: figures, lambda: judgement)
    server.start()
    return server


def get(server: Server, path: str, method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(f"http://{server.address}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_every_metric_of_the_list_is_told_with_its_labels() -> None:
    figures = [Sample(name, ("x",) * len(kind.labels), 7) for name, kind in KINDS.items()]
    server = serve(figures, HealthStatus(None, None))
    status, text = get(server, "/metrics")
    server.stop()
    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for name, kind in KINDS.items():
        family = families[PREFIX + name]
        assert family.type == kind.type
        [sample] = family.samples
        assert tuple(sample.labels) == tuple(sorted(kind.labels)) or set(sample.labels) == set(kind.labels)
        assert sample.value == 7
    assert "process_resident_memory_bytes" in families


def test_a_worker_that_is_well_and_of_use_answers_200() -> None:
    server = serve([], HealthStatus(None, None))
    assert get(server, "/healthz") == (200, '{"ok":true}')
    assert get(server, "/readyz") == (200, '{"ok":true}')
    server.stop()


def test_one_that_is_not_answers_503_and_why() -> None:
    server = serve([], HealthStatus("it hangs", "it hangs"))
    assert get(server, "/healthz") == (503, '{"ok":false,"why":"it hangs"}')
    server.stop()
    server = serve([], HealthStatus(None, "3 of 4 partitions are catching up"))
    assert get(server, "/healthz")[0] == 200
    assert get(server, "/readyz") == (503, '{"ok":false,"why":"3 of 4 partitions are catching up"}')
    server.stop()


def test_nothing_else_is_answered() -> None:
    server = serve([], HealthStatus(None, None))
    assert get(server, "/")[0] == 404
    assert get(server, "/metrics", "POST")[0] == 405
    server.stop()


def test_a_port_that_is_taken_is_a_fault_that_names_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Fault, match="GROUNDSWELL_METRICS_PORT"):
        Server("127.0.0.1", taken.getsockname()[1], list, lambda: HealthStatus(None, None))


def test_the_operations_page_lists_these_metrics_and_no_others() -> None:
    section = (ROOT / "docs/operations.md").read_text().split("\n## Metrics and health\n")[1].split("\n## ")[0]
    rows = re.findall(r"(?m)^\| `groundswell_(\w+)` \| (\w+) \| ([^|]*) \|", section)
    documented = {
        name.removesuffix("_total"): (type, tuple(re.findall(r"`(\w+)`", labels))) for name, type, labels in rows
    }
    assert documented == {name: (kind.type, kind.labels) for name, kind in KINDS.items()}
