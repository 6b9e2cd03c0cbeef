"""Reaching the brokers, or saying in ten seconds that they cannot be reached, or at once that they refuse us."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, RetriableError

from schemas.errors import Fault, Unreachable
from streams.kafka.connectivity import Turned, check_entry, nobody_answers
from streams.settings.kafka_security import PLAINTEXT, Security, refused

REACHED_WITHIN_MS: Final = 10_000
SPEAKS_WITHIN_S: Final = 3.0


class BrokerUnavailable(Unreachable):
    """A broker went away in the middle of a question: the same again may be answered by another."""


@contextmanager
def admin(brokers: Sequence[str], security: Security = PLAINTEXT) -> Iterator[Any]:
    """An admin client, closed at the end.  What goes wrong inside is a `Fault`.

    Args:
        brokers: `host:port` of each.
    """
    arguments = security.arguments()
    if not security.is_plain:
        # The client takes a certificate that it does not trust for a broker that is away, and waits for ever for a
        # listener that never answers its TLS.
        turned = asyncio.run(check_entry(brokers, security, REACHED_WITHIN_MS / 1000))
        if turned is not None:
            raise _not_answered(",".join(brokers), turned)
    try:
        client = KafkaAdminClient(bootstrap_servers=list(brokers), bootstrap_timeout_ms=REACHED_WITHIN_MS, **arguments)
    except (KafkaError, OSError, ValueError) as error:
        raise unreachable(brokers, error, security) from error
    try:
        yield client
    except KafkaError as error:
        fault = refused(security, ",".join(brokers), error)
        kind = BrokerUnavailable if isinstance(error, RetriableError) else Fault
        raise fault or kind("kafka", f"the broker refused: {error}", "See the broker's log.") from error
    finally:
        client.close()


def unreachable(brokers: Sequence[str], error: Exception, security: Security = PLAINTEXT) -> Fault:
    """What to say when a client found nobody: whether somebody else listens there is asked once more.

    An `Unreachable` where nobody answers or a broker hangs; a plain `Fault` where somebody certainly speaks otherwise.
    """
    where = ",".join(brokers)
    fault = refused(security, where, error)
    if fault is not None:
        return fault
    try:
        turned = asyncio.run(check_entry(brokers, security, SPEAKS_WITHIN_S))
    except Fault as otherwise:
        return otherwise
    return _not_answered(where, turned)


def _not_answered(where: str, turned: Turned | None) -> Unreachable:
    if turned is Turned.AWAY:
        return nobody_answers(where)
    what = f"Kafka at {where} does not answer in time: it hangs or has too much to do"
    return Unreachable("kafka", what, "Look at the brokers, then start again: nothing is lost.")


def partition_counts(client: Any) -> dict[str, int]:
    """Number of partitions of every topic, by physical name.

    The admin client is asked because a producer that asks for a topic makes it on brokers that create topics
    by themselves, whatever its own settings say.
    """
    return {topic["name"]: len(topic["partitions"]) for topic in client.describe_topics()}


def topic_ids(client: Any) -> dict[str, str]:
    """The broker's own id of every topic, by physical name: a topic that was made anew has another."""
    return {topic["name"]: str(topic.get("topic_id") or "") for topic in client.describe_topics()}


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
