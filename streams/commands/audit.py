"""`groundswell audit`: is what landed what the logs say?"""

from __future__ import annotations

import os

import click

from streams.audit.compare import audit as run_audit
from streams.audit.report import AuditResult
from streams.commands.checks import check_kafka
from streams.commands.store import open_store
from streams.settings import Settings


@click.command()
@click.option("--wait", default=0.0, show_default=True, help="Seconds to wait for a pipeline that is still at work.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def audit(wait: float, as_json: bool) -> int:
    """Read the four logs from the beginning, compute everything anew, compare every landed row.

    Exit code 0: equal; 1: different, the first differences are named.
    """
    settings = Settings.from_environment(os.environ)
    check_kafka(settings)
    result = audit_with(settings, wait)
    click.echo(result.to_json() if as_json else describe(result))
    return 0 if result.equal else 1


def audit_with(settings: Settings, wait: float) -> AuditResult:
    """The audit under these settings."""
    return run_audit(
        settings.kafka,
        open_store(settings),
        settings.load_campaigns(),
        settings.prefix,
        settings.partitions,
        security=settings.security.arguments(),
        horizon_days=settings.horizon_days,
        forgets=settings.clock == "wall",
        wait=wait,
    )


def describe(result: AuditResult) -> str:
    """The result in words, a line each."""
    compared = ", ".join(f"{number:,} {kind}" for kind, number in result.compared.items())
    lines = [f"compared: {compared}", *(f"note: {note}" for note in result.notes)]
    lines += [f"unproven: {sentence}" for sentence in result.unproven]
    lines += [f"different: {difference}" for difference in result.differences]
    hidden = result.differences_total - len(result.differences)
    if hidden:
        lines.append(f"... and {hidden:,} more differences")
    lines.append("equal" if result.equal else f"NOT equal: {result.differences_total:,} differences")
    return "\n".join(lines)
