"""One worker under observation: a watchdog over its app, and the pages that say how it is."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from streams.agents.role import Role
from streams.monitoring.health import Loading, Sighting
from streams.monitoring.http import Server
from streams.monitoring.metrics import Figure
from streams.monitoring.watchdog import Watchdog
from streams.settings import Settings

Extents = dict[Any, tuple[int, int | None]]  # position and end by partition

# The group has given the partitions away after one session: a loop that comes back after three is of no use.
HUNG_SESSIONS: Final = 3
HUNG_AT_LEAST: Final = 60.0


class Observation:
    """Begins before the app does, and ends after it.

    Raises:
        Fault: the metrics' port is taken.
    """

    def __init__(self, app: Any, role: Role, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._role = role
        self._settings = settings
        hung_after = max(HUNG_AT_LEAST, HUNG_SESSIONS * settings.session_timeout)
        # On top of what a rebalance may take by the group's own rules.
        share_after = settings.stuck_after + settings.session_timeout + settings.rebalance_timeout
        self._watchdog = Watchdog(loop, self._look, settings.stuck_after, hung_after, share_after)
        self._server: Server | None = None
        if settings.metrics_port:
            port = settings.metrics_port_of(role.name)
            self._server = Server(settings.metrics_host, port, self._watchdog.figures, self._watchdog.judge)

    def start(self) -> None:
        self._watchdog.start()
        if self._server is not None:
            self._server.start()

    def stop(self) -> None:
        self._watchdog.stop()
        if self._server is not None:
            self._server.stop()

    def _look(self) -> tuple[Sighting, list[Figure]]:
        if not self._app.started:
            waiting = ("Kafka",) if self._app.kafka_is_away else ()
            return Sighting({}, {}, waiting_for=waiting), []
        consumer = self._app.consumer
        extents = consumer.extents()
        sighting = self._sighting(extents, has_joined=consumer.assignments > 0)
        return sighting, self._figures(sighting, extents)

    def _sighting(self, extents: Extents, has_joined: bool) -> Sighting:
        role = self._role
        partitions = {tp.partition for tp in extents}
        ready = role.ready_partitions()
        load = role.loading()
        waiting = role.waiting_for() + (("Kafka",) if self._app.kafka_is_away else ())
        return Sighting(
            positions={tp: position for tp, (position, _) in extents.items()},
            ends={tp: end for tp, (_, end) in extents.items() if end is not None},
            assigned=len(partitions) if has_joined else None,
            ready=len(partitions) if ready is None else ready,
            waiting_for=waiting,
            is_rebalancing=self._app.rebalancing,
            loading=None if load is None else Loading(load.number, load.steps, str(load)),
        )

    def _figures(self, sighting: Sighting, extents: Extents) -> list[Figure]:
        logical = self._settings.logical
        return [
            *(
                Figure("lag_records", (logical(tp.topic), str(tp.partition)), max(0, end - position))
                for tp, (position, end) in extents.items()
                if end is not None
            ),
            Figure("partitions", ("assigned",), sighting.assigned or 0),
            Figure("partitions", ("ready",), sighting.ready),
            *self._loading(),
            Figure("records_taken", (), self._app.consumer.records_taken),
            Figure("assignments", (), self._app.consumer.assignments),
            Figure("rewinds", (), self._app.consumer.rewinds),
            *self._role.figures(),
        ]

    def _loading(self) -> list[Figure]:
        load = self._role.loading()
        if load is None:
            return []
        labels = (str(load.partition),)
        return [Figure("loading_ratio", labels, load.ratio), Figure("loading_bytes", labels, load.bytes_read)]
