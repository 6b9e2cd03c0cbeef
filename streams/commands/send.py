"""`groundswell send` and `groundswell replay`: events into Kafka."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from schemas.codec import Codec
from schemas.heartbeats import decode
from schemas.topics import SOURCES
from streams.commands.appeals import Appeal, door_appeal, gdq_appeal, send_appeal
from streams.producers.control_records import heartbeat_said
from streams.producers.send import SentLines, send_lines, wall_clock_ms
from streams.producers.sender import Sender
from streams.settings import Settings

REFUSALS_SHOWN = 20


@click.command()
@click.argument("topic", type=click.Choice(SOURCES), required=False)
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--no-check", is_flag=True, help="Send lines as they are, also those that will become dead letters.")
@click.option("--heartbeat", metavar="FEED", help="Send no lines but one heartbeat of FEED, such as donations/stripe.")
@click.option("--campaign", metavar="ID", help="The one campaign that the feed feeds; every one if absent.")
@click.option("--at", metavar="TIME", help="The feed has sent everything that happened before; now if absent.")
def send(
    topic: str | None, file: BinaryIO, no_check: bool, heartbeat: str | None, campaign: str | None, at: str | None
) -> int:
    """Send the JSON lines of FILE (default: standard input) to TOPIC, or say that a feed is alive.

    Every line is checked before it is sent; a refused one is named with its reason and nothing of it is sent.
    Exit code 0: all were acknowledged; 1: lines were refused.
    """
    settings = Settings.from_environment(os.environ)
    if heartbeat is not None:
        if topic is not None or no_check:
            raise click.UsageError("--heartbeat sends no lines: give it without TOPIC and --no-check")
        return _send_heartbeat(settings, heartbeat, campaign, at)
    if topic is None:
        raise click.UsageError(f"give a TOPIC ({', '.join(SOURCES)}), or --heartbeat FEED")
    if campaign is not None or at is not None:
        raise click.UsageError("--campaign and --at belong to --heartbeat; an event names its own campaign and time")
    return _send_events(settings, topic, file, no_check)


def _send_heartbeat(settings: Settings, feed: str, campaign: str | None, at: str | None) -> int:
    campaigns, played = settings.load_campaigns(), settings.clock == "played"
    record = heartbeat_said(feed, campaign, at, campaigns=campaigns, now_ms=wall_clock_ms(), played=played)
    with Sender(settings.brokers, settings.prefix, security=settings.security) as sender:
        sender.send(record)
    click.echo(f"{feed}: alive at {decode(record.value).at} for {campaign or 'every campaign'}")
    return 0


def _send_events(settings: Settings, topic: str, file: BinaryIO, no_check: bool) -> int:
    console = Console(stderr=True)
    with _progress(console) as progress:
        task = progress.add_task(f"sending {topic}", total=None)
        tell = lambda number: progress.update(task, completed=number)  # noqa: E731
        with Sender(settings.brokers, settings.prefix, on_acknowledged=tell, security=settings.security) as sender:
            codec = None if no_check else _codec(settings, sender.partitions(topic))
            sent = SentLines(sender.summary)
            try:
                send_lines(sender, topic, file, codec, sent=sent)
            finally:
                progress.stop()
                _summarize(sent)
    return sent.exit_code


def _codec(settings: Settings, partitions: int) -> Codec:
    return settings.codec(partitions)


def _summarize(sent: SentLines) -> None:
    for refused in sent.refused[:REFUSALS_SHOWN]:
        click.echo(f"refused: {refused}", err=True)
    if len(sent.refused) > REFUSALS_SHOWN:
        click.echo(f"... and {len(sent.refused) - REFUSALS_SHOWN} more refused lines", err=True)
    for topic, counts in sent.summary.items():
        click.echo(f"{topic}: {counts.acknowledged} acknowledged")
    click.echo(f"{len(sent.refused)} refused")


@click.group()
def replay() -> None:
    """Play history into Kafka: events at the record time they would have had, heartbeats between them.

    Run the workers with GROUNDSWELL_CLOCK=played, and the topics with GROUNDSWELL_RETENTION_DAYS=-1 (Kafka deletes
    by record time).
    """


SPEED = click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    help="Played seconds a second; as fast as it goes if absent.",
)


@replay.command()
@SPEED
def door(speed: float | None) -> None:
    """The sample appeal."""
    _play(door_appeal(), speed)


@replay.command()
@click.argument("file", type=click.Path(path_type=Path))
@SPEED
def gdq(file: Path, speed: float | None) -> None:
    """The public series of Summer Games Done Quick 2019 in FILE, one row a minute."""
    _play(gdq_appeal(file), speed)


def _play(appeal: Appeal, speed: float | None) -> None:
    settings = Settings.from_environment(os.environ)
    with _progress(Console(stderr=True)) as progress:
        task = progress.add_task(f"playing {appeal.campaign_id}", total=None)
        sent = send_appeal(
            appeal, settings, speed=speed, progress=lambda _at, number: progress.update(task, completed=number)
        )
    click.echo(f"{appeal.campaign_id}: {sent} events acknowledged")


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,}"), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not sys.stderr.isatty())
