"""The board a fundraiser watches for 48 hours: how the appeal stands, who moves people, and what is wrong."""

from __future__ import annotations

from typing import Final

from dashboards.panel import Board, Column, Panel, Row, Threshold, Word
from dashboards.words import (
    APPEAL_UID,
    CAMPAIGN,
    COMPLETE,
    CONVERSION_COLUMNS,
    COUNTED,
    EXPOSURE,
    INFLUENCER_UID,
    LADDER_COLUMNS,
    SAID,
    SAID_COLUMNS,
    SHRUNKEN_COLUMNS,
    STATE_COLUMNS,
    STATE_WORDS,
    TREND,
    incidents,
    of_campaign,
    rate_said,
)

NOW: Final = Row(
    "Now",
    (
        Panel(
            id=1,
            title="How it stands",
            question="Is anything wrong, since when, why, and what to do next?",
            sql=f"""
SELECT state, sentence, next_step, since
FROM stall_states
WHERE {CAMPAIGN} AND dimension = 'campaign'
""",
            kind="text",
            columns=STATE_COLUMNS,
            empty="the stall detector has not spoken yet",
            width=12,
            height=7,
        ),
        Panel(
            id=2,
            title="Clock",
            question="How far is the appeal, as of the time up to which figures are complete?",
            sql=f"SELECT phase, hours_in, hours_left, hours_of_tail FROM campaign_clock WHERE {CAMPAIGN}",
            kind="stat",
            columns=(
                Column("phase", "Phase", "text", words=(Word("running", "green"), Word("tail", "blue"))),
                Column("hours_in", "Hours in", "hours"),
                Column("hours_left", "Hours left", "hours"),
                Column("hours_of_tail", "Hours of tail", "hours"),
            ),
            empty="the appeal is not known yet",
            width=6,
            height=7,
        ),
        Panel(
            id=3,
            title="Complete up to",
            question="Up to when does this board know everything?",
            sql=f"SELECT complete_up_to, newest_record FROM complete_up_to WHERE {CAMPAIGN}",
            kind="stat",
            columns=(
                Column("complete_up_to", "Complete up to", "datetime"),
                Column("newest_record", "Newest record", "datetime"),
            ),
            empty="no records yet",
            width=6,
            height=7,
        ),
    ),
)

MONEY: Final = Row(
    "Money",
    (
        Panel(
            id=4,
            title="Raised",
            question="How much has come in, against the goal and an even pace to it?",
            sql=f"""
SELECT gross, part_of_goal, goal, floor(pace, 2) AS pace, standing, net, refunded, currency
FROM appeal_pace
WHERE {CAMPAIGN}
""",
            kind="stat",
            columns=(
                Column("gross", "Raised, gross", "money"),
                Column("part_of_goal", "Of the goal", "percent"),
                Column("goal", "Goal", "money"),
                # Rounded down: 0.998 is behind, and must not be shown as 1.
                Column(
                    "pace",
                    "Pace, 1 is even",
                    thresholds=(Threshold(None, "amber", "behind"), Threshold(1, "green", "ahead")),
                ),
                Column("standing", "Standing", "text"),
                Column("net", "After fees and refunds", "money"),
                Column("refunded", "Refunded", "money"),
                Column("currency", "Currency", "text"),
            ),
            empty="the appeal is not known yet",
            width=6,
            height=9,
        ),
        Panel(
            id=5,
            title="Money over time",
            question="How did the money grow, beside the goal and an even pace to it?",
            sql=f"""
SELECT minute_end AS time, gross, even_pace, goal
FROM money_over_time
WHERE {CAMPAIGN} AND $__timeFilter(minute_end)
ORDER BY time
""",
            kind="timeseries",
            unit="money",
            columns=(
                Column("gross", "Raised", "money"),
                Column("even_pace", "Even pace", "money"),
                Column("goal", "Goal", "money"),
            ),
            empty="no donations yet",
            width=18,
            height=9,
        ),
        Panel(
            id=6,
            title="Money per hour",
            question="Which hours brought money?",
            sql=f"""
SELECT hour_end AS time, gross
FROM hours
WHERE {CAMPAIGN} AND $__timeFilter(hour_end)
ORDER BY time
""",
            kind="timeseries",
            unit="money",
            columns=(Column("gross", "Raised in the hour", "money"),),
            empty="no donations yet",
            width=18,
            height=7,
        ),
        Panel(
            id=7,
            title="Late money",
            question="What came after the appeal's own time?",
            sql=f"SELECT gross_late, donations_late, currency FROM appeal_pace WHERE {CAMPAIGN}",
            kind="stat",
            columns=(
                Column("gross_late", "After the end", "money"),
                Column("donations_late", "Donations after the end", "count"),
                Column("currency", "Currency", "text"),
            ),
            empty="nothing late yet",
            width=6,
            height=7,
        ),
    ),
)

CONVERSION: Final = Row(
    "From seeing to giving",
    (
        Panel(
            id=8,
            title="Funnel",
            question="How many shares, impressions, clicks and donations? The kinds of impressions are never added.",
            sql=f"SELECT stage, events, known_by FROM funnel WHERE {CAMPAIGN} ORDER BY number",
            kind="table",
            columns=(
                Column("stage", "Stage", "text"),
                Column("events", "How many", "count"),
                Column("known_by", "How that is known", "text"),
            ),
            empty="nothing shared yet",
            width=8,
            height=8,
        ),
        Panel(
            id=9,
            title="Conversion now",
            question=f"How many gifts for each exposure, over each window? With the 95 % interval; {EXPOSURE}.",
            sql=f"""
SELECT window, counted, {rate_said("rate", "rate_low", "rate_high")},
    up_to
FROM conversion_now
WHERE {CAMPAIGN} AND dimension = 'campaign'
ORDER BY seconds
""",
            kind="table",
            columns=CONVERSION_COLUMNS,
            empty="nobody has come yet",
            width=16,
            height=8,
        ),
        Panel(
            id=10,
            title=f"Conversion over {TREND}",
            question="How does conversion move, and how sure is that?",
            sql=f"""
SELECT window_end AS time, rate, if(rate IS NULL, NULL, rate_low) AS rate_low,
    if(rate IS NULL, NULL, rate_high) AS rate_high
FROM conversion_windows
WHERE {CAMPAIGN} AND dimension = 'campaign' AND is_trend AND $__timeFilter(window_end)
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
            width=24,
            height=8,
        ),
        Panel(
            id=11,
            title="Leaderboard",
            question="Who really moves people? By shrunken conversion; reach stands beside, never above.",
            sql=f"""
SELECT position, influencer_id, counted, {rate_said("conversion", "conversion_low", "conversion_high")},
    gross, reach, if(suspicious, 'check for test or self donations', standing) AS standing
FROM {of_campaign("leaderboard")}
ORDER BY rankable DESC, rank_score DESC, exposures DESC, influencer_id
LIMIT 100
""",
            kind="table",
            columns=(
                Column("position", "Rank", "count"),
                Column("influencer_id", "Influencer", "text", link=INFLUENCER_UID),
                COUNTED,
                *SHRUNKEN_COLUMNS,
                Column("gross", "Raised", "money"),
                Column("reach", "Reach", "count"),
                Column("standing", "Standing", "text"),
            ),
            empty="nobody has shared yet",
            width=24,
            height=12,
        ),
    ),
)

PEOPLE: Final = Row(
    "Who gives, and who does not",
    (
        Panel(
            id=12,
            title="Ties of the donors",
            question="Do people who know the author well give, or strangers? Weak is an upper bound.",
            sql=f"SELECT tie, donors FROM {of_campaign('donor_ties')} ORDER BY donors DESC, tie",
            kind="bars",
            unit="count",
            columns=(Column("tie", "Tie", "text"), Column("donors", "Donors within the 48 hours", "count")),
            empty="no donors yet",
            width=6,
            height=8,
        ),
        Panel(
            id=13,
            title="Ties and channels of the sharers",
            question="Whose links convert: those of strong or weak ties, and on which channel?",
            sql=f"""
SELECT dimension, member, counted, {rate_said("conversion", "conversion_low", "conversion_high")},
    gross
FROM group_conversion
WHERE {CAMPAIGN}
ORDER BY dimension DESC, gross DESC, member
""",
            kind="table",
            columns=(
                Column("dimension", "By", "text"),
                Column("member", "Group", "text"),
                COUNTED,
                *SAID_COLUMNS,
                Column("gross", "Raised", "money"),
            ),
            empty="nothing shared yet",
            width=18,
            height=8,
        ),
        Panel(
            id=14,
            title="From share to gift",
            question="How far did the links come?",
            sql=f"""
SELECT rung, referrals, events, part_of_rung_below
FROM {of_campaign("ladder")}
ORDER BY step
""",
            kind="table",
            columns=LADDER_COLUMNS,
            empty="nothing shared yet",
            width=12,
            height=7,
        ),
        Panel(
            id=15,
            title="Celebrities",
            question="What do accounts with more than 100,000 followers bring for a million estimated impressions?",
            sql=f"""
SELECT per_million, per_million_low, per_million_high, donations, impressions_estimated, accounts
FROM {of_campaign("celebrities")}
""",
            kind="stat",
            columns=(
                Column("per_million", "Donations a million", "per_million"),
                Column("per_million_low", "95 % from", "per_million"),
                Column("per_million_high", "to", "per_million"),
                Column("donations", "Donations", "count"),
                Column("impressions_estimated", "Impressions, estimated", "count"),
                Column("accounts", "Accounts", "count"),
            ),
            empty="no celebrity has shared yet",
            width=6,
            height=7,
        ),
        Panel(
            id=16,
            title="Shared, did not give",
            question="How many people shared and gave nothing? Shares less donations counts acts, not people, and says "
            "nothing where there are more gifts than shares.",
            sql=f"SELECT never_gave, lowest, highest, naive FROM {of_campaign('sharers_not_donors')}",
            kind="stat",
            columns=(
                Column("never_gave", "People", "count"),
                Column("lowest", "At least", "count"),
                Column("highest", "At most", "count"),
                Column("naive", "Shares less donations", "count"),
            ),
            empty="nothing shared yet",
            width=6,
            height=7,
        ),
    ),
)

HISTORY: Final = Row(
    "What happened",
    (
        Panel(
            id=17,
            title="What the detector said",
            question="When did the state of the appeal change, or an influencer stall, and what was said?",
            sql=f"""
SELECT at, member, state, sentence
FROM stall_changes
WHERE {CAMPAIGN} AND (dimension = 'campaign' OR state = 'stalled')
ORDER BY at DESC, dimension, member
LIMIT 50
""",
            kind="table",
            columns=(
                Column("at", "At", "datetime"),
                Column("member", "Whose", "text"),
                Column("state", "State", "text", words=STATE_WORDS),
                Column("sentence", "Said", "text"),
            ),
            empty="the stall detector has not spoken yet",
            width=14,
            height=8,
        ),
        Panel(
            id=18,
            title="What people noted",
            question="Which reminders and other events were there?",
            sql=f"SELECT at, kind, text FROM current_annotations WHERE {CAMPAIGN} ORDER BY at DESC LIMIT 50",
            kind="table",
            columns=(
                Column("at", "At", "datetime"),
                Column("kind", "Kind", "text"),
                Column("text", "What", "text"),
            ),
            empty="nothing noted yet",
            width=10,
            height=8,
        ),
    ),
)

BOARD: Final = Board(
    uid=APPEAL_UID,
    title="Appeal",
    question="How does the appeal stand, who moves people, and is anything wrong?",
    complete=COMPLETE,
    rows=(NOW, MONEY, CONVERSION, PEOPLE, HISTORY),
    annotations=(SAID, incidents(f"{CAMPAIGN} AND dimension = 'campaign'")),
)
