"""The one way out of the producers: records go to Kafka and are counted when they are acknowledged.

Law: a record that is not acknowledged is fatal.  Whoever sends again sends the same bytes, and the pipeline calls
what had arrived a duplicate.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas.errors import Fault
from schemas.partitioning import partition_of
from streams.kafka.admin import REACHED_WITHIN_MS, admin, log_ends, partition_counts, unreachable
from streams.producers.outgoing import Outgoing
from streams.settings.kafka_security import PLAINTEXT, Security

REQUEST_BYTES: Final = 8 * 1024 * 1024
IN_FLIGHT: Final = 10_000
IN_FLIGHT_BYTES: Final = 64 * 1024 * 1024
# How long a broker may be away: a restart takes up to ten seconds, a cluster's election as long again.
DELIVERED_WITHIN_S: Final = 60


@dataclass(slots=True)
class Counts:
    """Records of one topic: handed over, acknowledged by all replicas, failed."""

    sent: int = 0
    acknowledged: int = 0
    failed: int = 0


Summary = dict[str, Counts]  # by logical topic


class Sender:
    """A producer with a bounded number of records in flight.

    Args:
        brokers: `host:port` of each.
        prefix: of the physical topic names.
        in_flight: how many records may wait for their acknowledgement.
        on_acknowledged: told, now and then, how many are acknowledged in all.
        security: how to come in at the brokers.

    Raises:
        Fault: no broker answers within ten seconds, or they refuse us.
    """

    def __init__(
        self,
        brokers: Sequence[str],
        prefix: str = "",
        in_flight: int = IN_FLIGHT,
        on_acknowledged: Callable[[int], None] | None = None,
        security: Security = PLAINTEXT,
    ) -> None:
        self.summary: Summary = {}
        self._brokers = tuple(brokers)
        self._security = security
        self._prefix = prefix
        self._ends: dict[int, dict[str, int]] = {}  # by partition and logical topic
        self._in_flight = in_flight
        self._on_acknowledged = on_acknowledged
        self._waiting: deque[tuple[str, int, Any]] = deque()
        self._waiting_bytes = 0
        with admin(brokers, security) as client:
            self._partitions = partition_counts(client)
        self._producer = _producer(brokers, security)

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self.close()

    def partitions(self, topic: str) -> int:
        """Number of partitions of a topic.

        Raises:
            Fault: it did not exist when the sender was made.
        """
        count = self._partitions.get(self._prefix + topic)
        if not count:
            what = f"topic {self._prefix + topic!r} does not exist"
            raise Fault("kafka", what, "Run `groundswell topics` to create what is missing.")
        return count

    def send(self, record: Outgoing) -> None:
        """Hand a record over; waits while too many are in flight.

        Raises:
            Fault: the topic does not exist, the record is too large, or an earlier one was not acknowledged.
        """
        partition = record.partition
        if partition is None:
            partition = partition_of(record.key or b"", self.partitions(record.topic))
        elif partition >= self.partitions(record.topic):
            what = f"topic {record.topic!r} has no partition {partition}"
            raise Fault("input", what, "Send without a partition: the key decides.")
        self._make_room(len(record.value))
        counts = self.summary.setdefault(record.topic, Counts())
        counts.sent += 1
        try:
            future = self._producer.send(
                self._prefix + record.topic,
                key=record.key,
                value=record.value,
                partition=partition,
                timestamp_ms=record.record_time_ms,
                headers=list(record.headers),
            )
        except KafkaError as error:
            counts.failed += 1
            raise _not_sent(record.topic, error) from error
        self._waiting.append((record.topic, len(record.value), future))
        self._waiting_bytes += len(record.value)

    def look_at_ends(self, topics: Iterable[str]) -> None:
        """Ask where these topics end, for `ends_of`.

        Raises:
            Fault: one does not exist, or no broker answers.
        """
        asked = {self._prefix + topic: self.partitions(topic) for topic in topics}
        with admin(self._brokers, self._security) as client:
            found = log_ends(client, asked)
        for (name, partition), end in found.items():
            self._note_end(name.removeprefix(self._prefix), partition, end)

    def ends_of(self, partition: int) -> Mapping[str, int]:
        """By topic, the end of its log in a partition, as far as it was looked at or our own records are acknowledged.

        Others may have written behind it; what is acknowledged of ours is before it.
        """
        return self._ends.get(partition, {})

    def _note_end(self, topic: str, partition: int, end: int) -> None:
        ends = self._ends.setdefault(partition, {})
        ends[topic] = max(end, ends.get(topic, 0))

    def flush(self) -> Summary:
        """Wait until everything is acknowledged.

        Raises:
            Fault: a record was not.
        """
        self._producer.flush(timeout=None)
        while self._waiting:
            self._settle_oldest()
        self._tell()
        return self.summary

    def close(self) -> None:
        """End without waiting for what is in flight; `flush` first to keep it."""
        with contextlib.suppress(KafkaError):
            self._producer.close(timeout=0)

    def _make_room(self, size: int) -> None:
        while self._waiting and self._waiting[0][2].is_done:
            self._settle_oldest()
        while len(self._waiting) >= self._in_flight or (self._waiting and self._waiting_bytes + size > IN_FLIGHT_BYTES):
            self._settle_oldest()

    def _settle_oldest(self) -> None:
        topic, size, future = self._waiting.popleft()
        self._waiting_bytes -= size
        counts = self.summary[topic]
        try:
            stored = future.get(timeout=DELIVERED_WITHIN_S * 2)
        except KafkaError as error:
            counts.failed += 1
            raise _not_sent(topic, error) from error
        counts.acknowledged += 1
        if topic in self._ends.get(stored.partition, {}):
            self._note_end(topic, stored.partition, stored.offset + 1)
        if counts.acknowledged % 1_000 == 0:
            self._tell()

    def _tell(self) -> None:
        if self._on_acknowledged is not None:
            self._on_acknowledged(sum(counts.acknowledged for counts in self.summary.values()))


def _producer(brokers: Sequence[str], security: Security) -> Any:
    try:
        return KafkaProducer(
            bootstrap_servers=list(brokers),
            client_id="groundswell-producer",
            acks="all",
            enable_idempotence=True,  # a retry of the client's own keeps the order and makes no second record
            linger_ms=20,
            batch_size=128 * 1024,
            max_request_size=REQUEST_BYTES,
            max_block_ms=REACHED_WITHIN_MS,
            bootstrap_timeout_ms=REACHED_WITHIN_MS,
            delivery_timeout_ms=DELIVERED_WITHIN_S * 1_000,
            request_timeout_ms=DELIVERED_WITHIN_S * 1_000 // 2,
            **security.arguments(),
        )
    except (KafkaError, OSError, ValueError) as error:
        raise unreachable(brokers, error, security) from error


def _not_sent(topic: str, error: Exception) -> Fault:
    what = f"a record for {topic!r} was not acknowledged ({type(error).__name__}: {error})"
    return Fault("kafka", what, "Mend the broker and send again: what had arrived becomes duplicates.")
