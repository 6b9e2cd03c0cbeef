"""The command line `groundswell`: one module a family of verbs.

Law: a verb reads settings, calls, prints.  A Fault is one line on stderr and its exit code: 2, or 1 where starting
again may help.
"""

from __future__ import annotations

import logging
import sys

import click

from schemas.errors import Fault
from streams import logs
from streams.commands.accept_level import accept_level
from streams.commands.annotate import annotate
from streams.commands.audit import audit
from streams.commands.dead_letters import dead_letters
from streams.commands.demo import demo
from streams.commands.doctor import doctor
from streams.commands.grafana import grafana
from streams.commands.healthy import healthy
from streams.commands.page import page
from streams.commands.report import report
from streams.commands.send import replay, send
from streams.commands.simulate import simulate
from streams.commands.skip import skip
from streams.commands.store import migrate, reland, sql
from streams.commands.topics import topics
from streams.commands.worker import worker

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="groundswell")
def cli() -> None:
    """Groundswell: which influencer really moves people, live and honestly.

    Settings come from the environment (GROUNDSWELL_KAFKA, GROUNDSWELL_STORE, ...): see docs/operations.md.
    """
    logs.configure("text", logging.WARNING)


VERBS = (
    demo,
    page,
    worker,
    topics,
    migrate,
    send,
    annotate,
    accept_level,
    replay,
    simulate,
    reland,
    sql,
    audit,
    report,
    dead_letters,
    skip,
    grafana,
    doctor,
    healthy,
)
for verb in VERBS:
    cli.add_command(verb)


def main() -> None:
    """Entry point of the command."""
    try:
        code = cli.main(standalone_mode=False)
    except Fault as fault:
        print(f"groundswell: {fault}", file=sys.stderr)
        sys.exit(fault.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
