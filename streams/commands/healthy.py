"""`groundswell healthy ROLE`: does the broker still hear this machine's worker?"""

from __future__ import annotations

import os
import socket
from typing import Any, Final

import click

from schemas.errors import Fault
from streams.commands.worker import ROLE_NAMES
from streams.producers.connect import admin
from streams.settings import Settings

SINK: Final = "sink"


@click.command()
@click.argument("role", type=click.Choice(ROLE_NAMES), metavar="ROLE")
def healthy(role: str) -> int:
    """Ask the broker whether a worker of ROLE on this machine is a member of its group.

    The broker forgets a member whose heartbeats have stopped for GROUNDSWELL_SESSION_TIMEOUT seconds, so a worker that
    hangs is found, and one that runs without partitions is healthy.  Meant for health checks of containers.  Exit code
    0: it is; 1: it is not.
    """
    settings = Settings.from_environment(os.environ)
    group = f"{settings.group_prefix}-{role}"
    with admin(settings.brokers, settings.security) as client:
        try:
            members = members_of(client, group, role)
        except ValueError as error:  # tansu's answer cannot be read
            raise Fault("kafka", "this broker does not tell who is in a group", "Ask Apache Kafka.") from error
    here = own_addresses(settings.brokers)
    mine = [member for member in members if str(member["client_host"]).lstrip("/") in here]
    click.echo(f"{group}: {len(members)} members, {len(mine)} on this machine")
    return 0 if mine else 1


def members_of(client: Any, group: str, role: str) -> list[Any]:
    """The members of the role's group; sinks have a group for each store, and any counts: the store may be away."""
    if role == SINK:
        groups = [found["group_id"] for found in client.list_groups() if found["group_id"].startswith(f"{group}-")]
    else:
        groups = [group]
    described = client.describe_groups(groups) if groups else {}
    return [member for found in groups for member in described[found]["members"]]


def own_addresses(brokers: list[str]) -> set[str]:
    """The addresses from which this machine speaks to the brokers."""
    found: set[str] = set()
    for broker in brokers:
        host, _, port = broker.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=5) as connection:
                found.add(str(connection.getsockname()[0]))
        except OSError:  # another broker may answer; the admin client has said already if none does
            continue
    return found
