"""`groundswell annotate`: what happened in an appeal, for the charts."""

from __future__ import annotations

import os

import click

from schemas.annotations import AnnotationKind
from streams.producers.control_records import KINDS, annotation_said
from streams.producers.send import wall_clock_ms
from streams.producers.sender import Sender
from streams.settings import Settings


@click.command()
@click.argument("campaign")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("text")
@click.option("--at", metavar="TIME", help="When it happened, such as 2026-03-12T18:05:00Z; now if absent.")
@click.option("--until", metavar="TIME", help="When it ended, for something that lasted.")
def annotate(campaign: str, kind: AnnotationKind, text: str, at: str | None, until: str | None) -> None:
    """Note on the charts of CAMPAIGN that something happened: TEXT, as people will read it."""
    settings = Settings.from_environment(os.environ)
    campaigns = settings.load_campaigns()
    annotation, record = annotation_said(campaign, kind, text, at, until, campaigns=campaigns, now_ms=wall_clock_ms())
    with Sender(settings.brokers, settings.prefix, security=settings.security) as sender:
        sender.send(record)
    lasted = f" to {annotation.until}" if annotation.until else ""
    click.echo(f"{campaign}: {kind} at {annotation.at}{lasted} ({annotation.annotation_id})")
