"""`groundswell simulate`: how the stall detector does on simulated appeals, and simulated events."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from random import Random

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schemas.campaign import Campaign
from schemas.errors import Fault
from schemas.times import DAY_MS
from schemas.topics import CLICKS, DONATIONS, SHARES
from streams.producers.send import wall_clock_ms
from streams.settings import Settings
from streams.simulation.appeal import Size
from streams.simulation.appeal import simulate as simulate_appeal
from streams.simulation.events import events_of
from streams.simulation.trial import Record, trial


@click.command()
@click.option("--campaign", "campaign_id", default="door", show_default=True, help="Whose rules, prior and start.")
@click.option("--appeals", type=click.IntRange(1, 100_000), default=200, show_default=True)
@click.option("--stop", type=click.IntRange(1, 47), help="No donation arrives from this hour on.")
@click.option(
    "--clicks", type=click.FloatRange(1, 1e7), default=5400.0, show_default=True, help="Expected in 48 hours."
)
@click.option(
    "--donations", type=click.FloatRange(1, 1e6), default=93.0, show_default=True, help="Expected in 48 hours."
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The record as one JSON object.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Judge nothing: write one appeal as JSON lines into this folder."
)
def simulate(
    campaign_id: str,
    appeals: int,
    stop: int | None,
    clicks: float,
    donations: float,
    seed: int,
    as_json: bool,
    out: Path | None,
) -> int:
    """Simulate appeals of 48 hours and let the stall detector judge them.

    Healthy appeals (without --stop) count false alarms; with --stop, how many stops are found and how late.
    """
    settings = Settings.from_environment(os.environ)
    campaign = _campaign(settings, campaign_id)
    size = Size(clicks, donations)
    stop_minute = None if stop is None else stop * 60
    if out is not None:
        return _write(campaign, size, seed, stop_minute, out, settings)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("simulating", total=appeals)
        record = trial(
            campaign,
            appeals=appeals,
            seed=seed,
            size=size,
            stop=stop_minute,
            progress=lambda done: progress.update(task, completed=done),
        )
    click.echo(json.dumps(record._asdict()) if as_json else _told(record, stop))
    return 0


def _campaign(settings: Settings, campaign_id: str) -> Campaign:
    campaigns = settings.load_campaigns()
    if campaign_id not in campaigns:
        raise Fault("input", f"no campaign {campaign_id!r}", f"There are: {', '.join(sorted(campaigns))}.")
    return campaigns[campaign_id]


def _told(record: Record, stop: int | None) -> str:
    lines = [
        f"appeals               {record.appeals}",
        f"donations, clicks     {record.donations:.1f}, {record.clicks:.0f} on average",
        f"with a false red      {record.with_false_red} ({100 * record.with_false_red / record.appeals:.1f} %)",
    ]
    if stop is not None:
        lines.append(f"stop at hour {stop} found  {record.found} ({100 * record.found / record.appeals:.1f} %)")
    if record.median_clicks is not None and record.median_minutes is not None:
        hours = record.median_minutes / 60
        lines.append(f"found after           {record.median_clicks:.0f} clicks, {hours:.1f} hours (medians)")
    return "\n".join(lines)


def _write(campaign: Campaign, size: Size, seed: int, stop: int | None, out: Path, settings: Settings) -> int:
    random = Random(f"{seed}/0")
    out.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {SHARES: [], CLICKS: [], DONATIONS: []}
    for topic, event in events_of(campaign, simulate_appeal(random, size), random, stop):
        lines[topic].append(json.dumps(event))
    for topic, written in lines.items():
        path = out / f"{topic}.jsonl"
        path.write_text("".join(f"{line}\n" for line in written))
        click.echo(f"{path}: {len(written)} events")
    click.echo(_how_to_send(campaign, out, wall_clock_ms(), settings.horizon_days))
    return 0


def _how_to_send(campaign: Campaign, out: Path, now_ms: int, horizon_days: int) -> str:
    """What to do with the events: they happened in the campaign's own time, and `send` says that they come now."""
    start_ms, end_ms = (int(moment.timestamp() * 1000) for moment in (campaign.start, campaign.end))
    if now_ms - horizon_days * DAY_MS <= start_ms and end_ms <= now_ms + DAY_MS:
        return f"Send them: for topic in shares clicks donations; do groundswell send $topic {out}/$topic.jsonl; done"
    return (
        f"They happen when {campaign.id!r} does, {campaign.start:%d %b %Y} to {campaign.end:%d %b %Y}. "
        f"`groundswell send` takes what is at most {horizon_days} days old and a day ahead: give the campaign's file "
        "such a start and end, and simulate again."
    )
