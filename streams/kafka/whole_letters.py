"""A dead letter that was cut, whole again: its record is fetched from the source topic and told by its digest."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.codec.unread import Unread
from schemas.dead_letters import DeadLetter, written_name
from schemas.errors import Fault
from streams.kafka.records import read_records_safely
from streams.settings import Settings

ANSWER_SECONDS: Final = 20.0


def whole(letter: DeadLetter, settings: Settings) -> DeadLetter:
    """The letter as it would be had it not been cut; one that is whole is given back as it is.

    Raises:
        Fault: the log no longer holds the record, or another one in its place, or it cannot be asked.
    """
    if not letter.is_cut:
        return letter
    record = asyncio.run(_fetched(letter, settings))
    value = b"" if record is None else record.value or b""
    if record is None or hashlib.sha256(value).hexdigest() != letter.digest:
        raise _gone(letter)
    named = [(written_name(name), content) for name, content in record.headers]
    return msgspec.structs.replace(letter, key=record.key, payload=value, headers=named, full_length=0, digest="")


def was_read(letter: DeadLetter) -> bool:
    """Whether anything of the record is known; nothing is of one whose batch is too large."""
    return bool(letter.payload) or letter.value != Unread.SHOWN


async def _fetched(letter: DeadLetter, settings: Settings) -> Any:
    """The record at the letter's place; None where there is none."""
    read_records_safely()
    place = TopicPartition(settings.topic(letter.topic), letter.source_partition)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **settings.security.arguments(),
    )
    try:
        await consumer.start()
        consumer.assign([place])
        first = (await consumer.beginning_offsets([place]))[place]
        if letter.source_offset < first:
            return None
        consumer.seek(place, letter.source_offset)
        async with asyncio.timeout(ANSWER_SECONDS):
            while not (records := (await consumer.getmany(place, timeout_ms=500)).get(place)):
                pass
        return records[0] if records[0].offset == letter.source_offset else None
    except (KafkaError, OSError, TimeoutError) as error:
        what = f"{place.topic}-{place.partition} cannot be read at {settings.kafka} ({type(error).__name__})"
        raise Fault("kafka", what, "Check that the broker is up and try again.") from error
    finally:
        await consumer.stop()


def _gone(letter: DeadLetter) -> Fault:
    where = f"{letter.topic}:{letter.source_partition}:{letter.source_offset}"
    return Fault(
        "input",
        f"the dead letter {where} holds the first {len(letter.payload)} of {letter.full_length} bytes, and its topic "
        "does not hold the record any more",
        "Have its producer send it again, in smaller records.",
    )
