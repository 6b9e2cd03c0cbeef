"""Reaching the brokers, or saying in ten seconds that they cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from schemas.errors import Fault

REACHED_WITHIN_MS: Final = 10_000


@contextmanager
def admin(brokers: Sequence[str]) -> Iterator[Any]:
    """An admin client, closed at the end.  What goes wrong inside is a `Fault`.

    Args:
        brokers: `host:port` of each.
    """
    try:
        client = KafkaAdminClient(bootstrap_servers=list(brokers), bootstrap_timeout_ms=REACHED_WITHIN_MS)
    except (KafkaError, OSError, ValueError) as error:
        raise unreachable(brokers, error) from error
    try:
        yield client
    except KafkaError as error:
        raise Fault("kafka", f"the broker refused: {error}", "See the broker's log.") from error
    finally:
        client.close()


def unreachable(brokers: Sequence[str], error: Exception) -> Fault:
    """What to say when nobody answers."""
    return Fault(
        "kafka",
        f"no broker answers at {','.join(brokers)} ({type(error).__name__})",
        "Start one, or set GROUNDSWELL_KAFKA=host:port to where it is.",
    )


def partition_counts(client: Any) -> dict[str, int]:
    """Number of partitions of every topic, by physical name.

    The admin client is asked because a producer that asks for a topic makes it on brokers that create topics
    by themselves, whatever its own settings say.
    """
    return {topic["name"]: len(topic["partitions"]) for topic in client.describe_topics()}


def log_ends(client: Any, partitions: Mapping[str, int]) -> dict[tuple[str, int], int]:
    """Where logs end, by physical topic and partition; an in-memory broker's answer is only a lower bound.

    Args:
        partitions: how many partitions each of the topics has.
    """
    asked = {
        TopicPartition(topic, number): OffsetSpec.LATEST for topic in partitions for number in range(partitions[topic])
    }
    answer = client.list_partition_offsets(asked)
    return {(place.topic, place.partition): found.offset for place, found in answer.items()}
