"""`groundswell dead-letters list|show|replay`: what could not be processed, and another try."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
from typing import Any, BinaryIO

import click
import msgspec
from rich.console import Console

from schemas.dead_letters import DeadLetter
from schemas.errors import Fault
from schemas.times import rfc3339
from streams.commands.dead_letter_list import name_of, print_letters
from streams.commands.store import open_store
from streams.kafka.whole_letters import was_read, whole
from streams.producers.replay_dead_letter import again, still_wrong
from streams.producers.sender import Sender
from streams.settings import Settings

COLUMNS = (*DeadLetter.__struct_fields__,)
EVERY_ONE = 1_000_000
NAME = re.compile(r"([a-z]+):(\d+):(\d+)")


@click.group("dead-letters")
def dead_letters() -> None:
    """See what could not be processed, and why; send it again, mended or as it was."""


@dead_letters.command("list")
@click.option("--reason", default="", help="Only this reason.")
@click.option("--topic", default="", help="Only this source topic.")
@click.option("--limit", default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def list_letters(reason: str, topic: str, limit: int, as_json: bool) -> None:
    """List dead letters, the newest record first.

    A table on a wide terminal; anywhere else a line for each with tabs between its fields, the name first.
    """
    letters = _find(Settings.from_environment(os.environ), reason=reason, topic=topic, limit=limit)
    if as_json:
        for letter in letters:
            click.echo(msgspec.json.encode(letter).decode())
        return
    print_letters(Console(), letters)
    click.echo(f"{len(letters)} shown", err=True)


@dead_letters.command()
@click.argument("name")
@click.option("--payload", is_flag=True, help="Only the original message, byte for byte.")
def show(name: str, payload: bool) -> None:
    """Show the dead letter NAME (topic:partition:offset, as `list` prints it) whole.

    Of a record that was too large for a letter it is the beginning; --payload fetches it from its topic.
    """
    settings = Settings.from_environment(os.environ)
    letter = _one(settings, name)
    if payload:
        sys.stdout.buffer.write(whole(letter, settings).payload)
        return
    shown = msgspec.to_builtins(letter, builtin_types=(bytes,))
    shown["key"] = _text(letter.key)
    shown["payload"] = _text(letter.payload)
    shown["headers"] = [[header, _text(content)] for header, content in letter.headers]
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False))


@dead_letters.command()
@click.argument("names", nargs=-1)
@click.option("--reason", default="", help="All dead letters of this reason, in place of NAMES.")
@click.option(
    "--mended",
    type=click.File("rb"),
    default=None,
    help="Send this message in place of the original ('-': standard input).",
)
@click.option("--now", is_flag=True, help="Stamp the record with the time now, not with its original time.")
@click.option("--no-check", is_flag=True, help="Send also what will become a dead letter again.")
def replay(names: tuple[str, ...], reason: str, mended: BinaryIO | None, now: bool, no_check: bool) -> int:
    """Send the dead letters NAMES again, as they were or mended.

    Sending twice is harmless: an event lands once.  What is older than the horizon is not sent: --now stamps it anew.
    Exit code 1: some would only become dead letters again.
    """
    settings = Settings.from_environment(os.environ)
    letters = [_one(settings, name) for name in names] or (_find(settings, reason=reason) if reason else [])
    if not letters:
        raise Fault("input", "no dead letter is named", "Give names as `dead-letters list` prints them, or --reason.")
    if mended is not None and len(letters) != 1:
        raise Fault("input", "--mended is for one dead letter", "Name exactly one.")
    content = mended.read() if mended else None
    now_ms = int(time.time() * 1000)
    at_ms = now_ms if now else None
    sent = refused = 0
    with Sender(settings.brokers, settings.prefix, security=settings.security) as sender:
        for letter in letters:
            partitions = sender.partitions(letter.topic)
            codec = settings.codec(partitions)
            if content is None:
                letter = _to_replay(letter, settings)
            record = again(letter, partitions, mended=content, record_time_ms=at_ms)
            wrong = None if no_check else still_wrong(record, codec, now_ms)
            if wrong is None:
                sender.send(record)
                sent += 1
            else:
                refused += 1
                click.echo(
                    f"{name_of(letter)} not sent: {wrong.reason} {wrong.field}; expected {wrong.expectation}", err=True
                )
    click.echo(f"{sent} sent again, {refused} not sent")
    return 1 if refused else 0


def _to_replay(letter: DeadLetter, settings: Settings) -> DeadLetter:
    """The letter whole.

    Raises:
        Fault: there is nothing to send.
    """
    if not was_read(letter):
        what = f"{name_of(letter)} was never read: its batch is larger than {letter.expectation.split(' of ')[-1]}"
        raise Fault("input", what, "Have its producer send it again in smaller batches.")
    return whole(letter, settings)


def _one(settings: Settings, name: str) -> DeadLetter:
    match = NAME.fullmatch(name)
    if match is None:
        raise Fault("input", f"{name!r} names no dead letter", "Write topic:partition:offset, as `list` prints it.")
    found = _find(settings, topic=match[1], partition=int(match[2]), offset=int(match[3]))
    if not found:
        raise Fault("input", f"there is no dead letter {name}", "`groundswell dead-letters list` shows them.")
    return found[0]


def _find(
    settings: Settings,
    *,
    reason: str = "",
    topic: str = "",
    partition: int = -1,
    offset: int = -1,
    limit: int = EVERY_ONE,
) -> list[DeadLetter]:
    """Dead letters by reason, topic or place (-1: any), the newest record first."""
    columns = ", ".join(COLUMNS).replace("record_time", "toUnixTimestamp64Milli(record_time)")
    sql = f"""
        SELECT {columns} FROM current_dead_letters
        WHERE ({{reason:String}} = '' OR reason = {{reason:String}})
          AND ({{topic:String}} = '' OR topic = {{topic:String}})
          AND ({{partition:Int64}} < 0 OR (source_partition = {{partition:Int64}} AND source_offset = {{offset:Int64}}))
        ORDER BY record_time DESC, topic, source_partition, source_offset
        LIMIT {{limit:UInt32}}
    """
    parameters = {"reason": reason, "topic": topic, "partition": partition, "offset": offset, "limit": limit}
    rows = open_store(settings).query(sql, parameters=parameters).result_rows
    return [_letter(dict(zip(COLUMNS, row, strict=True))) for row in rows]


def _letter(row: dict[str, Any]) -> DeadLetter:
    row["record_time"] = rfc3339(row["record_time"])
    row["payload"] = base64.b64decode(row["payload"])
    row["key"] = None if row["key"] is None else base64.b64decode(row["key"])
    row["headers"] = [(name, base64.b64decode(content)) for name, content in row["headers"]]
    return msgspec.convert(row, DeadLetter, builtin_types=(bytes,))


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "backslashreplace")
