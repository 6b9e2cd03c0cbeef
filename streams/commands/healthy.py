"""`groundswell healthy ROLE`: is this machine's worker well, by its own word and by the broker's?"""

from __future__ import annotations

import http.client
import json
import os
import socket
from typing import Any, Final

import click

from schemas.errors import Fault
from streams.kafka.admin import admin
from streams.settings import ROLE_NAMES, Settings

ANSWER_SECONDS: Final = 10.0
EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
SINK: Final = "sink"


@click.command()
@click.argument("role", type=click.Choice(ROLE_NAMES), metavar="ROLE")
def healthy(role: str) -> int:
    """Ask the worker of ROLE on this machine whether it is healthy, and the broker whether it is in its group.

    The worker is asked where GROUNDSWELL_METRICS_PORT is set: one that hangs or does not get on says so.  One that
    loads its state is healthy as long as the load makes progress, and says how far it is.  The broker forgets a member
    whose heartbeats have stopped for GROUNDSWELL_SESSION_TIMEOUT seconds.  A worker without partitions is healthy.
    Meant for health checks of containers.  Exit code 0: it is; 1: it is not.
    """
    settings = Settings.from_environment(os.environ)
    if settings.metrics_port and not _answers_well(role, settings):
        return 1
    group = f"{settings.group_prefix}-{role}"
    with admin(settings.brokers, settings.security) as client:
        try:
            members = members_of(client, group, role)
        except ValueError as error:  # tansu's answer cannot be read
            raise Fault("kafka", "this broker does not tell who is in a group", "Ask Apache Kafka.") from error
    here = addresses_towards(settings.brokers)
    mine = [member for member in members if str(member["client_host"]).lstrip("/") in here]
    click.echo(f"{group}: {len(members)} members, {len(mine)} on this machine")
    return 0 if mine else 1


def _answers_well(role: str, settings: Settings) -> bool:
    """Whether the worker answers that it is healthy; its answer is printed."""
    host = EVERY_ADDRESS.get(settings.metrics_host, settings.metrics_host)
    port = settings.metrics_port_of(role)
    try:
        trouble, missing = _why_not(host, port, "/healthz"), _why_not(host, port, "/readyz")
    except (OSError, http.client.HTTPException, ValueError) as error:
        click.echo(f"{role}: no answer at {host}:{port} ({type(error).__name__})")
        return False
    if trouble is not None:
        click.echo(f"{role}: not healthy: {trouble}")
        return False
    click.echo(f"{role}: healthy, " + ("ready" if missing is None else f"not ready: {missing}"))
    return True


def _why_not(host: str, port: int, path: str) -> str | None:
    """Why a page of the worker answers that it is not well; None where it is."""
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return None if answer["ok"] else str(answer["why"])


def members_of(client: Any, group: str, role: str) -> list[Any]:
    """The members of the role's group; sinks have a group for each store, and any counts: the store may be away."""
    if role == SINK:
        groups = [found["group_id"] for found in client.list_groups() if found["group_id"].startswith(f"{group}-")]
    else:
        groups = [group]
    described = client.describe_groups(groups) if groups else {}
    return [member for found in groups for member in described[found]["members"]]


def addresses_towards(brokers: list[str]) -> set[str]:
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
