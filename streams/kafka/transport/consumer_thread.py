"""The client beneath the driver, with the two settings that Faust hard-codes."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import aiokafka
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from schemas.errors import Fault
from streams.kafka.records import read_records_safely
from streams.kafka.transport.membership import StaticConsumer


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with a co-partitioning assignor.

    Every partition number must be one worker's in all of its topics.  Faust asks for round-robin over all
    topic-partitions when an app has no tables, which tears them apart with three workers.  Range assignment keeps
    them together: all source topics have the same number of partitions, and all workers read all of them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Nothing is ever committed, and Faust would call that an error every minute.
        self.tp_commit_timeout_secs = math.inf

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        read_records_safely()
        self._assignor = RangePartitionAssignor
        arguments: dict[str, Any] = {
            "client_id": conf.broker_client_id,
            "group_id": conf.id,
            "bootstrap_servers": driver.server_list(transport.url, transport.default_port),
            "partition_assignment_strategy": [RangePartitionAssignor],
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "max_poll_records": conf.broker_max_poll_records,
            "max_poll_interval_ms": int(conf.broker_max_poll_interval * 1000),
            "max_partition_fetch_bytes": conf.consumer_max_fetch_size,
            # Faust's 1500 lets an exhausted partition hold up the others: one fetch a node is in flight.
            "fetch_max_wait_ms": 250,
            "request_timeout_ms": int(conf.broker_request_timeout * 1000),
            "session_timeout_ms": int(conf.broker_session_timeout * 1000),
            "rebalance_timeout_ms": int(conf.broker_rebalance_timeout * 1000),
            "heartbeat_interval_ms": int(conf.broker_heartbeat_interval * 1000),
            "metadata_max_age_ms": conf.consumer_metadata_max_age_ms,
            "connections_max_idle_ms": conf.consumer_connections_max_idle_ms,
        }
        security = driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context)
        instance = conf.consumer_group_instance_id
        if instance:
            return StaticConsumer(group_instance_id=instance, on_end=self._on_end, **arguments, **security)
        return aiokafka.AIOKafkaConsumer(**arguments, **security)

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> aiokafka.AIOKafkaConsumer:
        return self._create_worker_consumer(self.transport)

    def end_seen_at(self, tp: TP) -> int:
        """When the newest fetch of a partition was answered, epoch milliseconds; 0 before the first answer."""
        return int(self._ensure_consumer().last_poll_timestamp(tp) or 0)

    def _on_end(self, fault: Fault) -> None:
        """End the app, from this thread."""
        asyncio.run_coroutine_threadsafe(self.consumer.crash(fault), self.consumer.loop)

    async def belongs(self) -> bool:
        """Whether the group still counts this process as its member, asked now; True where nobody else can be it."""
        if not isinstance(self._consumer, StaticConsumer):
            return True
        asked = asyncio.run_coroutine_threadsafe(self._consumer.belongs(), self.thread_loop)
        return await asyncio.wrap_future(asked)
