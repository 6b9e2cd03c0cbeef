"""`groundswell worker ROLE...`: one role in this process, or several, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING

import click

from streams import logs
from streams.settings import ROLE_NAMES, Settings

if TYPE_CHECKING:
    from streams.agents.role import Role


@click.command()
@click.argument("roles", nargs=-1, required=True, type=click.Choice(ROLE_NAMES), metavar="ROLE...")
def worker(roles: tuple[str, ...]) -> int:
    """Run ROLE... (attribution, conversion, sink) until SIGTERM or Ctrl-C.

    One role runs in this process; several run in a process each, and when one ends all end, so that a
    supervisor starts them again.  Exit code 0: stopped cleanly; 1: a surprise; 2: something a person must mend.
    """
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log)
    if len(roles) > 1:
        return _run_each(roles)
    from streams.commands.checks import check_kafka, patiently
    from streams.commands.topics import plan_of
    from streams.producers.topics import check_topics
    from streams.worker.app import run_role  # Faust takes half a second to import: not for `groundswell --help`

    settings.load_campaigns()
    check_kafka(settings)
    patiently(lambda: check_topics(plan_of(settings)))
    return run_role(_role(roles[0], settings), settings)


def _role(name: str, settings: Settings) -> Role:
    from streams.agents.sink import SinkRole
    from streams.commands.checks import home_of_the_sink
    from streams.worker.app import ROLES

    version = version_of("groundswell")
    if name == SinkRole.name:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the store may be away for long; Faust takes it over
        return SinkRole(settings, version, home_of_the_sink(settings))
    return ROLES[name](settings, version)


def _run_each(roles: tuple[str, ...]) -> int:
    children = [subprocess.Popen([sys.executable, "-m", "streams.commands", "worker", role]) for role in roles]

    def forward(number: int, frame: object) -> None:
        for child in children:
            child.send_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, forward)
    signal.signal(signal.SIGINT, forward)
    while all(child.poll() is None for child in children):
        time.sleep(0.2)
    forward(signal.SIGTERM, None)
    codes = [child.wait() for child in children]
    return max(abs(code) for code in codes)
