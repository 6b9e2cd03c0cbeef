"""`groundswell doctor`: what is exposed, and what is not fit for more than a laptop."""

from __future__ import annotations

import json
import os

import click

from streams.commands.page import PORT
from streams.commands.topics import plan_of
from streams.doctor import Finding, examine
from streams.settings import Settings

MARKS = {"ok": "ok   ", "wrong": "WRONG", "cannot tell": "?    "}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--page-port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Where the page is.")
def doctor(as_json: bool, page_port: int) -> int:
    """Check who can listen, who can come in, and whether the brokers keep what they take.

    Looks at listeners and topics of Kafka, the ways to Kafka and to the store, passwords that everybody knows, files of
    secrets, the store's data on this machine, the page.  Changes nothing and shows no secret.  Exit code 1: something
    is wrong; its line says what to do.
    """
    settings = Settings.from_environment(os.environ)
    findings = list(examine(settings, plan_of(settings), os.environ, page_port))
    is_well = all(finding.state != "wrong" for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": is_well, "findings": [finding._asdict() for finding in findings]}))
    else:
        for finding in findings:
            click.echo(_line(finding))
    return 0 if is_well else 1


def _line(finding: Finding) -> str:
    mend = f". {finding.mend}" if finding.mend else ""
    return f"{MARKS[finding.state]} {finding.check}: {finding.found}{mend}"
