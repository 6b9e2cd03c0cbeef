"""`groundswell report`: an appeal's figures and leaderboard, read from the store by SQL over views."""

from __future__ import annotations

import json
import os
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from infra.clickhouse.figures import figures, leaderboard_rows
from streams.commands.store import open_store
from streams.settings import Settings

SHOWN_INFLUENCERS = 12
PIPED_WIDTH = 120


@click.command()
@click.argument("campaign")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def report(campaign: str, as_json: bool) -> None:
    """Print the figures and the leaderboard of CAMPAIGN."""
    client = open_store(Settings.from_environment(os.environ))
    found = figures(client, campaign)
    if as_json:
        click.echo(json.dumps(found))
        return
    print_figures(Console(), campaign, found, leaderboard_rows(client, campaign))


def print_figures(console: Console, campaign: str, found: dict[str, Any], leaders: list[dict[str, Any]]) -> None:
    """Two tables: the appeal's figures, and who moves people."""
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(_figures_table(campaign, found))
    console.print(_leaderboard_table(leaders))
    if len(leaders) > SHOWN_INFLUENCERS:
        console.print(f"... and {len(leaders) - SHOWN_INFLUENCERS} more: {ask_leaderboard(campaign)}")


def ask_leaderboard(campaign: str) -> str:
    """The command that shows all of the leaderboard."""
    return f"groundswell sql \"SELECT * FROM leaderboard(campaign = '{campaign}')\""


def _figures_table(campaign: str, found: dict[str, Any]) -> Table:
    table = Table(title=f"Appeal {campaign}", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in found.items():
        if isinstance(value, dict):
            for inner, number in value.items():
                shown = ", ".join(f"{k} {v}" for k, v in number.items()) if isinstance(number, dict) else _shown(number)
                table.add_row(f"{name}: {inner}", shown)
        else:
            table.add_row(name, _shown(value))
    return table


def _leaderboard_table(leaders: list[dict[str, Any]]) -> Table:
    table = Table(
        title="Who moves people: shrunken conversion with its 95 % interval, reach beside it", title_justify="left"
    )
    exposure = str(leaders[0]["exposure"]).replace("_", ", ") if leaders else "clicks"
    for heading in ("influencer", "donations", exposure, "conversion", "95 %", "reach", ""):
        table.add_column(heading, justify="left" if heading in ("influencer", "") else "right", no_wrap=True)
    for leader in leaders[:SHOWN_INFLUENCERS]:
        table.add_row(
            str(leader["influencer_id"]),
            _shown(leader["donations"]),
            _shown(leader["exposures"]),
            _percent(leader["conversion"]),
            f"{_percent(leader['conversion_low'])} - {_percent(leader['conversion_high'])}",
            _shown(leader["reach"]),
            str(leader["standing"]),
        )
    return table


def _percent(rate: float | None) -> str:
    if rate is not None and 0 < rate < 0.0001:  # of viewers and not of clicks
        return f"{1_000_000 * rate:.3g} per million"
    return "-" if rate is None else f"{100 * rate:.2f} %"


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
