"""The figures of an appeal, read by SQL over the views; nothing is computed here but the look of a number."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from schemas.errors import Fault
from schemas.money import digits_of

Row = dict[str, Any]


def figures(client: Any, campaign_id: str) -> dict[str, Any]:
    """What `groundswell demo --once --json` prints of an appeal, ready for JSON.

    Money is text with the digits of the campaign's currency, a rate without a denominator None.

    Raises:
        Fault: the store does not know the campaign.
    """
    appeal = _one(client, "appeal_figures WHERE campaign_id = {campaign:String}", campaign_id)
    if appeal is None:
        raise Fault("settings", f"the store has no campaign {campaign_id!r}", "Run `groundswell migrate` first.")
    currency = appeal["currency"]
    money = {
        name: money_text(appeal[name], currency)
        for name in ("gross_48h", "gross_total", "gross_late", "gross_early", "refunded", "fee", "net")
    }
    counts = ("shares", "clicks", "donations", "donations_48h", "donors_48h", "donations_late", "refunds")
    return {
        "campaign": campaign_id,
        "currency": currency,
        **{name: appeal[name] for name in counts},
        **money,
        "impressions": _columns(appeal, "impressions_", ("measured", "sampled", "estimated")),
        "conversion": _columns(appeal, "conversion", ("", "_low", "_high")),
        "ties": ties(client, campaign_id),
        "celebrities": celebrities(client, campaign_id),
        "sharers_not_donors": sharers_not_donors(client, campaign_id),
        "accounting": accounting(client),
        "complete_up_to": complete_up_to(client, campaign_id),
    }


def leaderboard_rows(client: Any, campaign_id: str) -> list[Row]:
    """The influencers of an appeal by column name, the ranked ones first and in order, then those too early to rank."""
    sql = """
        SELECT * FROM leaderboard(campaign = {campaign:String})
        ORDER BY rankable DESC, rank_score DESC, exposures DESC, influencer_id
    """
    return _rows(client, sql, campaign_id)


def ties(client: Any, campaign_id: str) -> dict[str, int]:
    """Donors of the 48 hours by their own tie."""
    sql = "SELECT tie, donors FROM donor_ties(campaign = {campaign:String})"
    counted = {row["tie"]: row["donors"] for row in _rows(client, sql, campaign_id)}
    return {"strong": 0, "weak": 0, **counted}


def celebrities(client: Any, campaign_id: str) -> Row | None:
    """What the accounts with more than 100,000 followers brought; None where there are none."""
    row = _one(client, "celebrities(campaign = {campaign:String})", campaign_id)
    names = ("accounts", "impressions_estimated", "donations", "per_million", "per_million_low", "per_million_high")
    return None if row is None else {name: row[name] for name in names}


def sharers_not_donors(client: Any, campaign_id: str) -> Row | None:
    """Who shared and did not give: the naive subtraction, the set difference over people and its bounds."""
    row = _one(client, "sharers_not_donors(campaign = {campaign:String})", campaign_id)
    if row is None:
        return None
    bounds = ("lowest", "highest", "shares_without_sharer", "donations_without_donor")
    people = {"naive": row["naive"], "true": row["never_gave"], "true_48h": row["not_within_48h"]}
    return people | {name: row[name] for name in bounds}


def accounting(client: Any) -> dict[str, Row]:
    """By topic: what became of every record, whatever its campaign."""
    rows = client.query("SELECT * FROM accounting ORDER BY topic").named_results()
    return {row["topic"]: {name: row[name] for name in row if name != "topic"} for row in rows}


def complete_up_to(client: Any, campaign_id: str) -> str | None:
    """The watermark of the campaign as RFC 3339 text, None before the first record."""
    sql = """
        SELECT formatDateTime(complete_up_to, '%Y-%m-%dT%H:%i:%S', 'UTC') || 'Z' AS moment
        FROM complete_up_to WHERE campaign_id = {campaign:String}
    """
    rows = _rows(client, sql, campaign_id)
    return rows[0]["moment"] if rows else None


def money_text(amount: Decimal, currency: str) -> str:
    """Decimal text with all the digits of the currency: ``money_text(Decimal("4352.0000"), "USD") == "4352.00"``."""
    return f"{amount:.{digits_of(currency) or 0}f}"


def _columns(row: Row, prefix: str, names: tuple[str, ...]) -> Row:
    return {name.strip("_") or "rate": row[prefix + name] for name in names}


def _one(client: Any, source: str, campaign_id: str) -> Row | None:
    rows = _rows(client, f"SELECT * FROM {source}", campaign_id)
    return rows[0] if rows else None


def _rows(client: Any, sql: str, campaign_id: str) -> list[Row]:
    return list(client.query(sql, parameters={"campaign": campaign_id}).named_results())
