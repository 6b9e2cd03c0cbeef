"""`groundswell grafana push|pull-annotations|doctor`: a Grafana that does not read our files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import click

from infra.grafana.address import address_of
from infra.grafana.alerting import push_alerting
from infra.grafana.boards import push_board, push_folder
from infra.grafana.bundle import read_bundle
from infra.grafana.doctor import Check, check_plugin, examine
from infra.grafana.gateway import Gateway
from infra.grafana.marks import Mark, incident_id, pull, push_marks
from infra.grafana.steps import Step, needs_a_person
from schemas.annotations import Annotation
from schemas.times import parse_ms
from streams.commands.store import open_store
from streams.producers.feeds import annotation_record
from streams.producers.send import wall_clock_ms
from streams.producers.sender import Sender
from streams.settings import Settings

INCIDENTS = """
    SELECT campaign_id, dimension, member, state, started_at, resolved_at, sentence FROM stall_incidents
    WHERE dimension = 'campaign' OR dimension = 'influencer' AND state = 'stalled'
    ORDER BY started_at, campaign_id, dimension, member
"""
SAID = """
    SELECT annotation_id, campaign_id, kind, at, until, text FROM current_annotations
    ORDER BY at, annotation_id
"""


@click.group()
def grafana() -> None:
    """Dashboards, rules and annotations over Grafana's HTTP API.

    GROUNDSWELL_GRAFANA_URL is Grafana's address; GROUNDSWELL_GRAFANA_TOKEN, or the file that
    GROUNDSWELL_GRAFANA_TOKEN_FILE names, holds the token of a service account with the role Admin.
    """


@grafana.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done, and send nothing.")
@click.option("--policy", "with_policy", is_flag=True, help="Also route this folder's alerts; all other routes stay.")
@click.option("--no-annotations", is_flag=True, help="Leave annotations out; the store is not asked.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def push(dry_run: bool, with_policy: bool, no_annotations: bool, as_json: bool) -> int:
    """Send the folder, the dashboards, contact points, rules and the appeals' annotations.

    Doing it again changes nothing.  Contact points come from the variables of .env.example; one whose variables are
    not set is skipped.  Exit code 1: something there belongs to a file or a person, and was left.
    """
    gateway = Gateway.to(address_of(os.environ))
    bundle = read_bundle(os.environ)
    marks = [] if no_annotations else _marks(open_store(Settings.from_environment(os.environ)))
    check_plugin(gateway)
    folder, step = push_folder(gateway, dry_run)
    steps = [step, *(push_board(gateway, board, folder, dry_run) for board in bundle.boards)]
    steps += push_alerting(gateway, bundle, folder, with_policy, dry_run)
    if not no_annotations:
        steps += push_marks(gateway, marks, [board["uid"] for board in bundle.boards], dry_run)
    _print_steps(steps, as_json, dry_run)
    return 1 if needs_a_person(steps) else 0


@grafana.command("pull-annotations")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def pull_annotations(dry_run: bool, as_json: bool) -> int:
    """Bring what people wrote on the dashboards in Grafana to the topic `annotations`.

    An annotation belongs to the campaign that it is tagged with (campaign:ID), or to the one that ran at its time.  One
    that is known already is not sent again.  Exit code 1: for some it is not clear to which campaign they belong.
    """
    settings = Settings.from_environment(os.environ)
    gateway = Gateway.to(address_of(os.environ))
    found = pull(gateway, settings.load_campaigns(), [board["uid"] for board in read_bundle(os.environ).boards])
    known = _known(open_store(settings))
    new = [
        annotation for annotation in found.annotations if known.get(annotation.annotation_id) != _compared(annotation)
    ]
    if new and not dry_run:
        _send(settings, new)
    names = {annotation.annotation_id for annotation in new}
    steps = [_pulled(annotation, annotation.annotation_id in names, known) for annotation in found.annotations]
    _print_steps([*steps, *found.skipped], as_json, dry_run)
    return 1 if needs_a_person(found.skipped) else 0


@grafana.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(as_json: bool) -> int:
    """Check address, token, permissions, plugin, data source, dashboards, rules and contact points.

    Changes nothing.  Exit code 1: something is wrong; each line says what to do.
    """
    findings = []
    for finding in examine(Gateway.to(address_of(os.environ)), read_bundle(os.environ)):
        findings.append(finding)
        if not as_json:
            _print_finding(finding)
    healthy = all(finding.ok for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": healthy, "findings": [finding._asdict() for finding in findings]}))
    return 0 if healthy else 1


def _marks(store: Any) -> list[Mark]:
    """What the store knows of all campaigns: what people said, and incidents from their start to their end."""
    said = [
        Mark(identity, campaign, kind, _ms(at), None if until is None else _ms(until), text)
        for identity, campaign, kind, at, until, text in store.query(SAID, tz_mode="aware").result_rows
    ]
    incidents = [
        Mark(
            incident_id(campaign, dimension, member, state, start),
            campaign,
            state,
            _ms(start),
            None if end is None else _ms(end),
            sentence if dimension == "campaign" else f"{member}: {sentence}",
        )
        for campaign, dimension, member, state, start, end, sentence in store.query(
            INCIDENTS, tz_mode="aware"
        ).result_rows
    ]
    return [*said, *incidents]


def _known(store: Any) -> dict[str, tuple[Any, ...]]:
    rows = store.query(SAID, tz_mode="aware").result_rows
    return {
        identity: (campaign, kind, _ms(at), None if until is None else _ms(until), text)
        for identity, campaign, kind, at, until, text in rows
    }


def _compared(annotation: Annotation) -> tuple[Any, ...]:
    until = None if annotation.until is None else parse_ms(annotation.until)
    return (annotation.campaign_id, annotation.kind, parse_ms(annotation.at), until, annotation.text)


def _send(settings: Settings, annotations: Iterable[Annotation]) -> None:
    with Sender(settings.brokers, settings.prefix, security=settings.security) as sender:
        for annotation in annotations:
            sender.send(annotation_record(annotation, wall_clock_ms()))


def _pulled(annotation: Annotation, is_new: bool, known: dict[str, tuple[Any, ...]]) -> Step:
    note = f"{annotation.campaign_id} {annotation.at} {annotation.text}"
    if not is_new:
        return Step("annotation", annotation.annotation_id, "unchanged", note)
    known_before = annotation.annotation_id in known
    return Step("annotation", annotation.annotation_id, "changed" if known_before else "created", note)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _print_steps(steps: list[Step], as_json: bool, dry_run: bool) -> None:
    if as_json:
        answer = {"ok": not needs_a_person(steps), "dry_run": dry_run, "steps": [step._asdict() for step in steps]}
        click.echo(json.dumps(answer))
        return
    for step in steps:
        click.echo(f"{step.kind} {step.name}: {step.outcome}" + (f" ({step.note})" if step.note else ""))
    changed = sum(step.outcome in ("created", "changed") for step in steps)
    click.echo(f"{changed} {'would be sent' if dry_run else 'sent'}, {len(steps) - changed} not", err=True)


def _print_finding(finding: Check) -> None:
    click.echo(f"{'ok   ' if finding.ok else 'WRONG'} {finding.check}: {finding.found}")
    if not finding.ok:
        click.echo(f"      {finding.mend}")
