"""Words and colours that several boards share."""

from __future__ import annotations

from typing import Final

from dashboards.panel import Annotations, Column, Word

APPEAL_UID: Final = "groundswell-appeal"
INFLUENCER_UID: Final = "groundswell-influencer"
PIPELINE_UID: Final = "groundswell-pipeline"

# Filters of a panel's SQL.
CAMPAIGN: Final = "campaign_id = ${campaign:singlequote}"
INFLUENCER: Final = f"{CAMPAIGN} AND influencer_id = ${{influencer:singlequote}}"


def of_campaign(view: str) -> str:
    """A view that is asked for one campaign: it reads no other's rows."""
    return f"{view}(campaign = ${{campaign:singlequote}})"


def of_one(view: str) -> str:
    """A view that is asked for one influencer of one campaign: it reads nobody else's rows."""
    return f"{view}(campaign = ${{campaign:singlequote}}, influencer = ${{influencer:singlequote}})"


# In titles: the campaign's own windows, whose names Grafana and the page put in.
TREND: Final = "${trend_window}"
LONGEST: Final = "${longest_window}"

# Up to when a board of one campaign knows everything.
COMPLETE: Final = f"SELECT complete_up_to FROM complete_up_to WHERE {CAMPAIGN}"

STATE_WORDS: Final = (
    Word("not_started", "grey"),
    Word("ok", "green"),
    Word("slow", "amber"),
    Word("stalled", "red"),
    Word("no_traffic", "amber"),
    Word("feed_down", "red"),
    Word("tail", "blue"),
)
STATE_COLUMNS: Final = (
    Column("state", "State", "text", words=STATE_WORDS),
    Column("sentence", "Why", "text"),
    Column("next_step", "Next step", "text"),
    Column("since", "Since", "datetime"),
)
# What donations are held against is the campaign's to say: clicks, or a kind of impressions.
EXPOSURE: Final = "exposures are clicks, unless the campaign's file says otherwise"
COUNTED: Final = Column("counted", "Donations of exposures", "text")
# A rate of viewers is some hundred times smaller than one of clicks: in percent it would be 0.00.
FEW: Final = 0.001


def rate_said(rate: str, low: str, high: str) -> str:
    """Columns of SQL: `rate_said`, "1.84 %" or "63 per million", and `interval_said`, both ends in the same unit.

    Null where the rate, or the interval, is.  The upper end chooses the unit: 0 of 40 clicks are at most 8.76 %,
    and not at most 87,600 per million.
    """
    few = f"coalesce({high}, {rate}) < {FEW}"

    def number(part: str) -> str:
        million = f"1000000 * {part}"
        small = f"toString(if({million} < 10, round({million}, 2), round({million})))"
        return f"if({few}, {small}, toDecimalString(round(100 * {part}, 2), 2))"

    unit = f"if({few}, ' per million', ' %')"
    interval = f"{number(low)} || ' \u2013 ' || {number(high)} || {unit}"
    return f"{number(rate)} || {unit} AS rate_said,\n    {interval} AS interval_said"


SAID_COLUMNS: Final = (Column("rate_said", "Conversion", "text"), Column("interval_said", "95 %", "text"))
SHRUNKEN_COLUMNS: Final = (
    Column("rate_said", "Conversion, shrunken", "text"),
    Column("interval_said", "95 %", "text"),
)
CONVERSION_COLUMNS: Final = (
    Column("window", "Window", "text"),
    COUNTED,
    *SAID_COLUMNS,
    Column("up_to", "Up to", "datetime"),
)
LADDER_COLUMNS: Final = (
    Column("rung", "Links that were", "text"),
    Column("referrals", "Links", "count"),
    Column("events", "Events", "count"),
    Column("part_of_rung_below", "Part of the rung below", "percent"),
)

SAID: Final = Annotations(
    name="What people noted",
    sql=f"""
SELECT at AS time, until AS timeEnd, text, kind AS tags
FROM current_annotations
WHERE {CAMPAIGN} AND $__timeFilter(at)
ORDER BY time
""",
    colour="blue",
)


def incidents(whose: str) -> Annotations:
    """Stalls as regions; one that began before the charts do, or lasts, is drawn too.

    Args:
        whose: the filter of `stall_incidents`.
    """
    return Annotations(
        name="Stalls",
        sql=f"""
SELECT started_at AS time, resolved_at AS timeEnd, concat(state, ': ', sentence) AS text, state AS tags
FROM stall_incidents
WHERE {whose} AND started_at <= $__toTime AND (resolved_at IS NULL OR resolved_at >= $__fromTime)
ORDER BY time
""",
        colour="red",
    )
