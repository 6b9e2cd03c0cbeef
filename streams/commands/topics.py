"""`groundswell topics`: create what is missing, refuse what is wrong."""

from __future__ import annotations

import os

import click

from streams.producers.topic_rules import Plan
from streams.producers.topics import check_topics, create_topics
from streams.settings import Settings


def plan_of(settings: Settings) -> Plan:
    """How the topics shall be, by the settings."""
    return Plan(
        brokers=tuple(settings.brokers),
        prefix=settings.prefix,
        partitions=settings.partitions,
        replication=settings.replication,
        retention_days=settings.retention_days,
        horizon_days=settings.horizon_days,
        security=settings.security,
    )


@click.command()
@click.option("--check", is_flag=True, help="Create nothing.")
def topics(check: bool) -> None:
    """Create the topics that are missing and check all of them.

    A wrong one is refused with the way to mend it.  Partitions, replication, prefix and retention come from
    GROUNDSWELL_PARTITIONS, _REPLICATION, _PREFIX and _RETENTION_DAYS (-1 keeps for ever, for history).
    """
    plan = plan_of(Settings.from_environment(os.environ))
    for finding in check_topics(plan) if check else create_topics(plan):
        hidden = f" (the broker does not tell {', '.join(finding.untold)})" if finding.untold else ""
        click.echo(f"{finding.topic}: {finding.state}, {finding.partitions} partitions{hidden}")
