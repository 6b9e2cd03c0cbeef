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
CONVERSION_COLUMNS: Final = (
    Column("window", "Window", "text"),
    Column("counts", "Donations of clicks", "text"),
    Column("shown_rate", "Conversion", "percent"),
    Column("rate_low", "95 % from", "percent"),
    Column("rate_high", "to", "percent"),
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
