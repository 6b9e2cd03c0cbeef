"""A role as a Faust app with one agent, and how it runs and ends.

Law: on any surprise the process exits non-zero and its supervisor starts it again; it never limps, never skips.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import faust
import mode
from faust.sensors.monitor import Monitor

from schemas.errors import Fault
from schemas.skips import Skips
from streams.agents.attribution import AttributionRole
from streams.agents.conversion import ConversionRole
from streams.agents.role import Role
from streams.agents.sink import SinkRole
from streams.gc_tuning import freeze_long_lived
from streams.kafka.connectivity import watch, watch_entry
from streams.kafka.skipping import skips_of
from streams.kafka.transport import Batch, Positions
from streams.kafka.transport.recovery import Tables
from streams.settings import Settings
from streams.worker.observation import Observation

logger = logging.getLogger("groundswell.app")

ROLES: Final[dict[str, Callable[[Settings, str], Role]]] = {
    "attribution": AttributionRole,
    "conversion": ConversionRole,
    "sink": SinkRole,
}
STOP_SECONDS: Final = 20.0
FETCH_BYTES: Final = 1024 * 1024
POLL_RECORDS: Final = 5000
QUEUED_BATCHES: Final = 8
# aiokafka leaves the group when nobody polls for so long, and nobody does while a state is loaded.  A worker that hangs
# is ended by the watchdog, so this must only be longer than any load.
POLL_SECONDS: Final = 7 * 86_400.0


class GroundswellApp(faust.App):
    """A Faust app that the `kafka-batch` transport serves."""

    batch_topics: frozenset[str] = frozenset()
    positions: Positions
    # None until the role has started: there is nothing to say before.
    flush: Callable[[], Awaitable[None]] | None = None
    # Whether a late emission of a paused process could be taken for a newer one than its successor's.
    fenced: bool = False
    # Whether a restart makes the state anew from what the log holds, however much that is.
    begins_anew: bool = False
    skips: Skips = Skips()
    settings: Settings = Settings()
    role_name: str = ""
    kafka_is_unavailable: bool = False
    entry: Callable[[], Awaitable[None]] | None = None

    def note_kafka(self, is_unavailable: bool) -> None:
        self.kafka_is_unavailable = is_unavailable

    def logical(self, topic: str) -> str:
        return self.settings.logical(topic)

    async def learn_skips(self, partitions: frozenset[int]) -> None:
        """Read what operators have said to skip, before anything of an assignment is read."""
        if self.role_name:
            skips = await skips_of(self.settings, partitions)
            self.skips = Skips.of(skips, self.role_name, self.settings.prefix)

    async def on_first_start(self) -> None:
        await super().on_first_start()
        if self.entry is not None:
            # Tasks begin once the consumer has joined, and one that is refused never does.
            self.add_future(self.entry())


class PassThrough(faust.Schema):
    """Batches pass as they are."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> Any:
        return message.key

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> Any:
        return message.value


class QuietMonitor(Monitor):
    """Faust's monitor keeps a history of every message; batches are few, but nobody reads it."""

    max_avg_history = 1
    max_commit_latency_history = 1
    max_send_latency_history = 1
    max_assignment_latency_history = 1


class PunctualWorker(faust.Worker):
    """Faust waits for its streams without a limit when it stops: give it one, counted from the signal."""

    _deadline: threading.Timer | None = None

    async def stop(self) -> None:
        if self._deadline is None:
            self._deadline = threading.Timer(STOP_SECONDS, _give_up)
            self._deadline.daemon = True
            self._deadline.start()
        await super().stop()


def _give_up() -> None:
    logger.warning("not stopped after %.0f s: ended; what was left is emitted at the next start", STOP_SECONDS)
    os._exit(1)


def make_app(role: Role, settings: Settings, data_folder: str) -> GroundswellApp:
    """The Faust app of one role, not started."""
    app = GroundswellApp(
        f"{settings.group_prefix}-{role.group}",
        broker=";".join(f"kafka-batch://{broker}" for broker in settings.brokers),
        broker_credentials=settings.security.faust_credentials(),
        datadir=data_folder,
        value_serializer="raw",
        key_serializer="raw",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=FETCH_BYTES,
        broker_max_poll_records=POLL_RECORDS,
        broker_max_poll_interval=POLL_SECONDS,
        broker_commit_interval=0.5,
        consumer_group_instance_id=f"{role.name}-{settings.instance}" if settings.instance else "",
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=min(3.0, settings.session_timeout / 6),
        broker_rebalance_timeout=settings.rebalance_timeout,
        broker_request_timeout=max(40.0, 2 * settings.session_timeout),
        producer_threaded=False,
        agent_supervisor=mode.CrashingSupervisor,
        worker_redirect_stdouts=False,
        Monitor=QuietMonitor,
        TableManager=Tables,
        Worker=PunctualWorker,
    )
    app.batch_topics = frozenset(settings.topic(topic) for topic in role.topics)
    app.positions = role.positions
    app.entry = partial(watch_entry, settings.brokers, settings.security)
    app.fenced = isinstance(role, AttributionRole)
    app.begins_anew = isinstance(role, ConversionRole)
    app.settings, app.role_name = settings, role.name
    topic = app.topic(*sorted(app.batch_topics), schema=PassThrough())
    topic.maxsize = QUEUED_BATCHES  # the argument of app.topic is dropped

    # A rebalance may come before the role has started, and Faust starts agents and tasks in an order of its own.
    started = asyncio.Event()

    @app.agent(topic, name=role.name, concurrency=1)
    async def agent(stream: Any) -> None:
        await started.wait()
        async for batch in app.consumer.batches(stream):
            await _take(role, batch)

    @app.task
    async def watch_kafka() -> None:
        await watch(settings.brokers, app.note_kafka)

    @app.task
    async def flush_regularly() -> None:
        await role.start(app)
        app.flush = role.flush
        started.set()
        while not app.should_stop:
            await asyncio.sleep(settings.flush_interval)
            await role.flush()

    return app


async def _take(role: Role, batch: Batch) -> None:
    """Let the role take a batch in; say of one that it fails on where it lies."""
    try:
        await role.take(batch)
    except Exception as error:
        if not isinstance(error, Fault):
            logger.error("failed on %s-%d, a record from offset %d to %d", *batch.tp, batch.start, batch.end - 1)
        raise


def run_role(role: Role, settings: Settings) -> int:
    """Run one role until SIGTERM or SIGINT; 0 after a clean stop, 1 after a crash, 2 (or 1) after a Fault."""
    with tempfile.TemporaryDirectory(prefix=f"groundswell-{role.name}-") as folder:
        app = make_app(role, settings, folder)
        app.finalize()
        worker = app.Worker(
            quiet=True, override_logging=False, redirect_stdouts=False, loglevel="WARN", console_port=0, debug=False
        )
        worker.spinner = None
        _emit_what_is_left(app, role)
        observation = Observation(app, role, settings, worker.loop)
        observation.start()
        logger.info("%s starts on %s", role.name, settings.kafka)
        freeze_long_lived()
        try:
            worker.execute_from_commandline()
        except SystemExit as end:
            return _exit_code(app, end)
        finally:
            observation.stop()
    return 0


def _exit_code(app: Any, end: SystemExit) -> int:
    reason = app.crash_reason
    if isinstance(reason, Fault):
        print(f"groundswell: {reason}", file=sys.stderr)
        return reason.exit_code
    if reason is not None:
        logger.error("stopped by a surprise, to be started again: %r", reason)
        return 1
    return int(end.code or 0)


def _emit_what_is_left(app: Any, role: Role) -> None:
    @app.on_before_shutdown.connect
    async def before(sender: Any, **kwargs: Any) -> None:
        if app.crash_reason is None and app.flush is not None:
            try:
                await asyncio.wait_for(role.stop(), STOP_SECONDS / 2)
            except Exception as error:
                logger.warning("what was left was not emitted, the next start does it: %r", error)
