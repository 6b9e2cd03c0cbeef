"""`/metrics`, `/healthz` and `/readyz` of one worker, on a thread of its own.

GET /metrics    figures in Prometheus' text format
GET /healthz    200, or 503 and why: the worker should be started again (it is about to do that itself)
GET /readyz     200, or 503 and why: nothing, or not everything, comes through it yet
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.serving.listening import bind
from schemas.errors import Fault
from streams.monitoring.health import HealthStatus
from streams.monitoring.metrics import KINDS, PREFIX, Sample


class Server:
    """Serves until the process ends.

    Args:
        figures, judge: asked at every request, from the server's thread.
    """

    def __init__(
        self, host: str, port: int, figures: Callable[[], Iterable[Sample]], judge: Callable[[], HealthStatus]
    ) -> None:
        self._listener = _listen(host, port)
        app = make_app(figures, judge)
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_keep_alive=30)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, name="observation", daemon=True
        )

    @property
    def address(self) -> str:
        """`host:port`."""
        host, port = self._listener.getsockname()[:2]
        return f"{host}:{port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True


def make_app(figures: Callable[[], Iterable[Sample]], judge: Callable[[], HealthStatus]) -> Starlette:
    """The three pages over what is given."""
    registry = CollectorRegistry()
    registry.register(_Figures(figures))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)

    def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    def health(_: Request) -> Response:
        return _verdict(judge().trouble)

    def readiness(_: Request) -> Response:
        return _verdict(judge().missing)

    return Starlette(routes=[Route("/metrics", metrics), Route("/healthz", health), Route("/readyz", readiness)])


def _verdict(why_not: str | None) -> Response:
    body = {"ok": True} if why_not is None else {"ok": False, "why": why_not}
    return JSONResponse(body, status_code=200 if why_not is None else 503)


class _Figures(Collector):
    """Figures as prometheus_client wants them, one family a metric."""

    def __init__(self, figures: Callable[[], Iterable[Sample]]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Any]:
        by_name: dict[str, list[Sample]] = {}
        for figure in self._figures():
            by_name.setdefault(figure.name, []).append(figure)
        for name, kind in KINDS.items():
            family: Any = CounterMetricFamily if kind.type == "counter" else GaugeMetricFamily
            metric = family(PREFIX + name, kind.says, labels=kind.labels)
            for figure in by_name.get(name, ()):
                metric.add_metric(figure.labels, figure.value)
            yield metric


def _listen(host: str, port: int) -> socket.socket:
    try:
        listener = bind(host, port)
    except OSError as error:
        raise Fault(
            "settings",
            f"metrics cannot be served at {host}:{port} ({error.strerror or error})",
            "Set GROUNDSWELL_METRICS_PORT to a free one (each role takes its own, counted from it), or to 0 for none.",
        ) from None
    listener.listen(64)
    return listener
