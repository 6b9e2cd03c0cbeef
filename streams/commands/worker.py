"""`groundswell worker ROLE...`: one role in this process, or several, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import click

from streams import logs
from streams.settings import Settings

ROLE_NAMES = ("attribution", "conversion", "sink")


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
    from streams.app import run_role  # Faust takes half a second to import: not for `groundswell --help`
    from streams.commands.checks import check_kafka, check_store, patiently
    from streams.commands.topics import plan_of
    from streams.producers.topics import check_topics

    settings.load_campaigns()
    check_kafka(settings)
    patiently(lambda: check_topics(plan_of(settings)))
    if roles[0] == "sink":
        check_store(settings)
    return run_role(roles[0], settings)


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
