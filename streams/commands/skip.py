"""`groundswell skip`: go on without what stops a worker for good, on the record."""

from __future__ import annotations

import asyncio
import os

import click
import msgspec

from schemas import skips
from schemas.errors import Fault
from schemas.skips import SKIPS_SCHEMA, Skip
from schemas.times import rfc3339
from schemas.topics import SKIPS, SOURCES, TOPICS
from streams.commands.checks import check_kafka
from streams.kafka.admin import admin, partition_counts
from streams.kafka.log_tail import log_bounds
from streams.kafka.skipping import skips_of, taken_in
from streams.producers.outgoing import Outgoing
from streams.producers.send import wall_clock_ms
from streams.producers.sender import Sender
from streams.settings import ROLE_NAMES, Settings

WHY_AT_MOST = 1000


@click.command()
@click.argument("topic", required=False)
@click.argument("partition", type=click.IntRange(min=0), required=False)
@click.argument("offset", type=click.IntRange(min=0), required=False)
@click.option("--to", "last", type=click.IntRange(min=0), help="The last offset; OFFSET alone if absent.")
@click.option("--why", help="For whoever asks later; it is recorded for good.")
@click.option("--role", type=click.Choice(ROLE_NAMES), help="Only this role skips it; all that read it if absent.")
@click.option("--json", "as_json", is_flag=True, help="The list with a JSON object a line.")
def skip(
    topic: str | None,
    partition: int | None,
    offset: int | None,
    last: int | None,
    why: str | None,
    role: skips.SkippingRole | None,
    as_json: bool,
) -> None:
    """Skip OFFSET of PARTITION of TOPIC for good, or without arguments list what was skipped.

    For a record that no worker can read, and for records that the log holds no more: a worker that ends with exit
    code 2 over them names the command.  Start the worker again afterwards.
    """
    settings = Settings.from_environment(os.environ)
    check_kafka(settings)
    if topic is None:
        _list(settings, as_json)
        return
    if partition is None or offset is None or why is None or not 1 <= len(why.strip()) <= WHY_AT_MOST:
        raise Fault(
            "input",
            f"a partition, an offset or the reason (1 to {WHY_AT_MOST} characters) is missing",
            "Write groundswell skip TOPIC PARTITION OFFSET --why TEXT.",
        )
    wanted = Skip(
        SKIPS_SCHEMA,
        topic,
        partition,
        offset,
        offset if last is None else last,
        why.strip(),
        rfc3339(wall_clock_ms()),
        role=role or "",
    )
    skip_record = asyncio.run(_checked(wanted, settings))
    with Sender(settings.brokers, settings.prefix, security=settings.security) as sender:
        sender.send(Outgoing(SKIPS, partition, skips.skip_key(skip_record), skips.encode(skip_record), wall_clock_ms()))
    click.echo(f"skipped: {skips.in_words(skip_record)}")


def _list(settings: Settings, as_json: bool) -> None:
    with admin(settings.brokers, settings.security) as client:
        partitions = partition_counts(client).get(settings.topic(SKIPS), 0)
    for skip_record in asyncio.run(skips_of(settings, range(partitions))):
        line = (
            msgspec.json.encode(skip_record).decode()
            if as_json
            else f"{skip_record.said_at}\t{skips.in_words(skip_record)}"
        )
        click.echo(line)


async def _checked(wanted: Skip, settings: Settings) -> Skip:
    """The same with what the log says of it.

    Raises:
        Fault: there are no such offsets, or they are in the results already.
    """
    if wanted.topic not in {topic.name for topic in TOPICS} - {SKIPS}:
        names = ", ".join(topic.name for topic in TOPICS if topic.name != SKIPS)
        raise Fault("input", f"{wanted.topic!r} is no topic that a worker reads", f"Give one of {names}.")
    with admin(settings.brokers, settings.security) as client:
        partitions = partition_counts(client).get(settings.topic(wanted.topic), 0)
    if wanted.partition >= partitions:
        what = f"{settings.topic(wanted.topic)} has {partitions} partitions, numbered from 0"
        raise Fault("input", what, "Give one that there is.")
    begin, end = await log_bounds(settings.brokers, settings.topic(wanted.topic), wanted.partition, settings.security)
    if not wanted.first <= wanted.last < end:
        what = f"{settings.topic(wanted.topic)}-{wanted.partition} holds the offsets {begin} to {end - 1}"
        raise Fault("input", what, "Give offsets up to its end, the smaller one first.")
    if wanted.topic in SOURCES and wanted.role in ("", "attribution"):
        position = await taken_in(settings, wanted.topic, wanted.partition)
        if max(wanted.first, begin) < min(position, wanted.last + 1):
            raise Fault(
                "input",
                f"attribution has taken in {wanted.topic}, partition {wanted.partition}, up to offset {position - 1}: "
                "what is in the results cannot be skipped",
                f"Begin at offset {position}, or say --role sink where the sink alone fails on it.",
            )
    gone = max(0, min(begin, wanted.last + 1) - wanted.first)
    return msgspec.structs.replace(wanted, gone=gone)
