"""One worker under observation: a watchdog over its app, and the pages that say how it is."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from streams.agents.role import Role
from streams.monitoring.health import Loading, WorkerSnapshot
from streams.monitoring.http import Server
from streams.monitoring.metrics import Sample
from streams.monitoring.watchdog import Watchdog
from streams.settings import Settings

PositionsAndEnds = dict[Any, tuple[int, int | None]]  # position and end by partition

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

    def _look(self) -> tuple[WorkerSnapshot, list[Sample]]:
        if not self._app.started:
            waiting = ("Kafka",) if self._app.kafka_is_unavailable else ()
            return WorkerSnapshot({}, {}, waiting_for=waiting), []
        consumer = self._app.consumer
        positions_and_ends = consumer.positions_and_ends()
        snapshot = self._sighting(positions_and_ends, has_joined=consumer.assignments > 0)
        return snapshot, self._figures(snapshot, positions_and_ends)

    def _sighting(self, positions_and_ends: PositionsAndEnds, has_joined: bool) -> WorkerSnapshot:
        role = self._role
        partitions = {tp.partition for tp in positions_and_ends}
        ready = role.ready_partitions()
        load = role.loading()
        waiting = role.waiting_for() + (("Kafka",) if self._app.kafka_is_unavailable else ())
        return WorkerSnapshot(
            positions={tp: position for tp, (position, _) in positions_and_ends.items()},
            ends={tp: end for tp, (_, end) in positions_and_ends.items() if end is not None},
            assigned=len(partitions) if has_joined else None,
            ready=len(partitions) if ready is None else ready,
            waiting_for=waiting,
            is_rebalancing=self._app.rebalancing,
            loading=None if load is None else Loading(load.number, load.steps, str(load)),
        )

    def _figures(self, snapshot: WorkerSnapshot, positions_and_ends: PositionsAndEnds) -> list[Sample]:
        logical = self._settings.logical
        return [
            *(
                Sample("lag_records", (logical(tp.topic), str(tp.partition)), max(0, end - position))
                for tp, (position, end) in positions_and_ends.items()
                if end is not None
            ),
            Sample("partitions", ("assigned",), snapshot.assigned or 0),
            Sample("partitions", ("ready",), snapshot.ready),
            *self._loading(),
            Sample("records_taken", (), self._app.consumer.records_taken),
            Sample("assignments", (), self._app.consumer.assignments),
            Sample("rewinds", (), self._app.consumer.rewinds),
            *self._role.figures(),
        ]

    def _loading(self) -> list[Sample]:
        load = self._role.loading()
        if load is None:
            return []
        labels = (str(load.partition),)
        return [Sample("loading_ratio", labels, load.ratio), Sample("loading_bytes", labels, load.bytes_read)]
