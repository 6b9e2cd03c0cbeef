"""Records that no codec sees: the client cannot decode them, or what is made of them fits nowhere.

All may come from an ordinary producer, or from a hand that slipped.  None holds a good event, so whatever is made of
them, no count of good events changes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from kafka import KafkaProducer

from schemas.topics import CONVERSIONS, DEAD_LETTERS, SOURCES
from streams.settings import Settings

LARGE: Final = 9_000_000  # bytes; a few kB in gzip, and in base64 more than a record may have
ACKNOWLEDGED_WITHIN: Final = 30.0


class BareName(str):
    """A header's name that is no UTF-8: to librdkafka, and to the broker, it is plain bytes."""

    __slots__ = ()

    def encode(self, *_: Any, **__: Any) -> bytes:
        return b"\xff"


def large_when_unpacked(settings: Settings, dice: random.Random) -> None:
    """9 MB of JSON in gzip, which a broker measures packed."""
    value = b'{"event_id": "' + b"x" * LARGE + b'"}'
    _send(settings, dice.choice(SOURCES), dice, value=value, compression="gzip")


def header_without_a_name(settings: Settings, dice: random.Random) -> None:
    """A header whose name is the byte 0xff."""
    _send(settings, dice.choice(SOURCES), dice, value=b"{}", headers=[(BareName("name"), b"1")])


def tombstone_in_results(settings: Settings, dice: random.Random) -> None:
    """What somebody sends who wants a window to be gone."""
    _send(settings, CONVERSIONS, dice, value=None)


def stranger_among_dead_letters(settings: Settings, dice: random.Random) -> None:
    """What is in `dead-letters` and is no letter."""
    _send(settings, DEAD_LETTERS, dice, value=dice.choice([b"not a letter", b"{}", b"\xff", b"[]"]))


KINDS: Final[dict[str, Callable[[Settings, random.Random], None]]] = {
    "poison: large when unpacked": large_when_unpacked,
    "poison: header without a name": header_without_a_name,
    "poison: tombstone in results": tombstone_in_results,
    "poison: stranger among dead letters": stranger_among_dead_letters,
}


def _send(
    settings: Settings,
    topic: str,
    dice: random.Random,
    value: bytes | None,
    headers: list[tuple[str, bytes]] | None = None,
    compression: str | None = None,
) -> None:
    """One record into a partition drawn.

    Raises:
        KafkaError: it is not acknowledged.
    """
    producer = KafkaProducer(
        bootstrap_servers=settings.brokers, acks="all", compression_type=compression, max_request_size=2 * LARGE,
        max_block_ms=5000, batch_size=0,
    )  # fmt: skip
    try:
        partition = dice.randrange(settings.partitions)
        sent = producer.send(
            settings.topic(topic), key=b"poison", value=value, headers=headers or [], partition=partition
        )
        sent.get(timeout=ACKNOWLEDGED_WITHIN)
    finally:
        producer.close(timeout=1)
