"""`groundswell accept-level`: an operator's word that the present level of giving is the new normal."""

from __future__ import annotations

import os

import click

from schemas.annotations import Annotation
from schemas.errors import Fault
from schemas.times import parse_ms
from schemas.topics import SLICES
from streams.commands.store import open_store
from streams.producers.control_records import acceptance_said, check_campaign, moment
from streams.producers.send import wall_clock_ms
from streams.producers.sender import Sender
from streams.settings import Settings

REACHED = """
    SELECT formatDateTime(minute, '%Y-%m-%dT%H:%i:%SZ', 'UTC') FROM stall_states
    WHERE campaign_id = {campaign:String} AND dimension = 'campaign'
"""


@click.command("accept-level")
@click.argument("campaign")
@click.option("--influencer", metavar="ID", help="Of this influencer alone; the whole appeal if absent.")
@click.option(
    "--at",
    metavar="TIME",
    help="From when on, such as 2026-03-12T18:05:00Z; now if absent, or in a played history the newest closed minute.",
)
def accept_level(campaign: str, influencer: str | None, at: str | None) -> None:
    """Tell the stall detector of CAMPAIGN that what is going on now is no stall but the new normal.

    An open stall ends, and the rate of the stretch under suspicion is what is expected from now on.
    """
    settings = Settings.from_environment(os.environ)
    campaigns, now_ms = settings.load_campaigns(), wall_clock_ms()
    check_campaign(campaign, campaigns)
    if at is not None:
        at_ms = moment(at, "--at")
    else:
        at_ms = now_ms if settings.clock == "wall" else _reached_ms(settings, campaign)
    with Sender(settings.brokers, settings.prefix, security=settings.security) as sender:
        annotation, records = acceptance_said(
            campaign,
            influencer,
            at_ms,
            campaigns=campaigns,
            partitions=sender.partitions(SLICES),
            now_ms=now_ms,
        )
        for record in records:
            sender.send(record)
    _say(annotation)


def _say(annotation: Annotation) -> None:
    click.echo(f"{annotation.campaign_id}: {annotation.text} Counts from {annotation.at} on.")


def _reached_ms(settings: Settings, campaign: str) -> int:
    """The end of the minute that the detector has reached: played time is not the wall clock's.

    Raises:
        Fault: the detector has said nothing yet.
    """
    rows = open_store(settings).query(REACHED, parameters={"campaign": campaign}).result_rows
    if not rows:
        what = f"the stall detector has said nothing of {campaign!r} yet"
        raise Fault("input", what, "Give the played time with --at, such as --at 2026-03-12T18:05:00Z.")
    return parse_ms(str(rows[0][0]))
