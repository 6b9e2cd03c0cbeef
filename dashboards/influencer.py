"""One influencer: what came of their links, and why each gift is theirs."""

from __future__ import annotations

from typing import Final

from dashboards.panel import Board, Column, Panel, Row
from dashboards.words import (
    CAMPAIGN,
    COMPLETE,
    CONVERSION_COLUMNS,
    COUNTED,
    EXPOSURE,
    INFLUENCER,
    INFLUENCER_UID,
    LADDER_COLUMNS,
    LONGEST,
    SAID,
    SHRUNKEN_COLUMNS,
    STATE_COLUMNS,
    TREND,
    incidents,
    of_campaign,
    of_one,
    rate_said,
)

# Where an influencer is a member of a dimension.
MEMBER: Final = f"{CAMPAIGN} AND dimension = 'influencer' AND member = ${{influencer:singlequote}}"
# A stall of the whole appeal explains theirs; a silent feed or a night without traffic is the appeal's, and drawn once.
OWN_OR_COMMON: Final = f"({MEMBER} AND state = 'stalled' OR {CAMPAIGN} AND dimension = 'campaign')"

NOW: Final = Row(
    "Now",
    (
        Panel(
            id=1,
            title="How they stand",
            question="Do their links still bring gifts, and if not, since when and what to do?",
            sql=f"SELECT state, sentence, next_step, since FROM stall_states WHERE {MEMBER}",
            kind="text",
            columns=STATE_COLUMNS,
            empty="watched from their second donation on",
            width=10,
            height=8,
        ),
        Panel(
            id=2,
            title="What they brought",
            question=f"How many gifts for each exposure, and how sure is that? {EXPOSURE.capitalize()}.",
            sql=f"""
SELECT {rate_said("conversion", "conversion_low", "conversion_high")},
    counted, standing, position, gross, reach
FROM {of_campaign("leaderboard")}
WHERE influencer_id = ${{influencer:singlequote}}
""",
            kind="stat",
            columns=(
                *SHRUNKEN_COLUMNS,
                COUNTED,
                Column("standing", "Standing", "text"),
                Column("position", "Rank", "count"),
                Column("gross", "Raised", "money"),
                Column("reach", "Reach", "count"),
            ),
            empty="nothing shared yet",
            width=10,
            height=8,
        ),
        Panel(
            id=10,
            title="Complete up to",
            question="Up to when does this board know everything?",
            sql=f"SELECT complete_up_to FROM complete_up_to WHERE {CAMPAIGN}",
            kind="stat",
            columns=(Column("complete_up_to", "Complete up to", "datetime"),),
            empty="no records yet",
            width=4,
            height=8,
        ),
    ),
)

CONVERSION: Final = Row(
    "From share to gift",
    (
        Panel(
            id=3,
            title="How far their links came",
            question="How many links were shared, seen, clicked and brought a gift?",
            sql=f"""
SELECT rung, referrals, events, part_of_rung_below
FROM {of_one("influencer_ladder")}
ORDER BY step
""",
            kind="table",
            columns=LADDER_COLUMNS,
            empty="nothing shared yet",
            width=10,
            height=7,
        ),
        Panel(
            id=4,
            title="Conversion now",
            question=f"How many gifts for each exposure, over each window? Below 20 there is no rate; {EXPOSURE}.",
            sql=f"""
SELECT window, counted, {rate_said("rate", "rate_low", "rate_high")},
    up_to
FROM conversion_now
WHERE {MEMBER}
ORDER BY seconds
""",
            kind="table",
            columns=CONVERSION_COLUMNS,
            empty="nobody has come yet",
            width=14,
            height=7,
        ),
        Panel(
            id=5,
            title=f"Exposures in {TREND}",
            question=f"When did people come? {EXPOSURE.capitalize()}.",
            sql=f"""
SELECT window_end AS time, line, happened
FROM came_and_gave
WHERE {MEMBER} AND is_trend AND line != 'donations' AND $__timeFilter(window_end)
ORDER BY time
""",
            kind="timeseries",
            unit="count",
            empty="nobody has come yet",
            width=8,
            height=8,
        ),
        # Not beside exposures on one axis: fifty clicks a gift, let alone a million viewers, draw gifts flat.
        Panel(
            id=11,
            title=f"Donations in {TREND}",
            question="When did people give?",
            sql=f"""
SELECT window_end AS time, donations
FROM conversion_windows
WHERE {MEMBER} AND is_trend AND $__timeFilter(window_end)
ORDER BY time
""",
            kind="timeseries",
            unit="count",
            columns=(Column("donations", "Donations", "count"),),
            empty="nobody has come yet",
            width=8,
            height=8,
        ),
        Panel(
            id=6,
            title=f"Conversion over {LONGEST}",
            question="How does their conversion move, and how sure is that?",
            sql=f"""
SELECT window_end AS time, rate, rate_low, rate_high
FROM conversion_windows
WHERE {MEMBER} AND is_longest AND exposures >= 20 AND $__timeFilter(window_end)
ORDER BY time
""",
            kind="timeseries",
            unit="percent",
            columns=(
                Column("rate", "Conversion", "percent"),
                Column("rate_low", "95 % from", "percent"),
                Column("rate_high", "95 % to", "percent"),
            ),
            empty="fewer than 20 exposures in any such window yet",
            width=8,
            height=8,
        ),
    ),
)

GIFTS: Final = Row(
    "Gifts",
    (
        Panel(
            id=7,
            title="Money over time",
            question="How did the money of their links grow?",
            sql=f"""
SELECT minute_end AS time, gross
FROM influencer_money
WHERE {INFLUENCER} AND $__timeFilter(minute_end)
ORDER BY time
""",
            kind="timeseries",
            unit="money",
            columns=(Column("gross", "Raised", "money"),),
            empty="no donations yet",
            width=10,
            height=9,
        ),
        Panel(
            id=8,
            title="Gifts and why they are theirs",
            question="By which link did each gift come, and how long after it was shared?",
            sql=f"""
SELECT occurred_at, kind, amount, currency, referral_id, channel, tie, minutes_since_share
FROM {of_one("influencer_gifts")}
ORDER BY occurred_at DESC, event_id
LIMIT 200
""",
            kind="table",
            columns=(
                Column("occurred_at", "At", "datetime"),
                Column("kind", "Kind", "text"),
                Column("amount", "Amount", "money"),
                Column("currency", "Currency", "text"),
                Column("referral_id", "Link", "text"),
                Column("channel", "Channel", "text"),
                Column("tie", "Donor's tie", "text"),
                Column("minutes_since_share", "Minutes from share to gift", "minutes"),
            ),
            empty="no donations yet",
            width=14,
            height=9,
        ),
        Panel(
            id=9,
            title="Their links",
            question="What did each of their links bring?",
            sql=f"""
SELECT referral_id, channel, owner_tie, first_share_at, reach, clicks, donations, gross
FROM {of_one("influencer_referrals")}
ORDER BY gross DESC, clicks DESC, referral_id
LIMIT 200
""",
            kind="table",
            columns=(
                Column("referral_id", "Link", "text"),
                Column("channel", "Channel", "text"),
                Column("owner_tie", "Tie", "text"),
                Column("first_share_at", "Shared", "datetime"),
                Column("reach", "Reach", "count"),
                Column("clicks", "Clicks", "count"),
                Column("donations", "Donations", "count"),
                Column("gross", "Raised", "money"),
            ),
            empty="nothing shared yet",
            width=24,
            height=8,
        ),
    ),
)

BOARD: Final = Board(
    uid=INFLUENCER_UID,
    title="Influencer",
    question="What came of the links of one influencer, and why?",
    complete=COMPLETE,
    rows=(NOW, CONVERSION, GIFTS),
    variables=("campaign", "influencer"),
    annotations=(SAID, incidents(OWN_OR_COMMON)),
)
