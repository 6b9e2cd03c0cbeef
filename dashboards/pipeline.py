"""The board for who is on call: does every record come through, in time, and what could not be processed?"""

from __future__ import annotations

from typing import Final

from dashboards.panel import Board, Column, Panel, Row, Threshold
from dashboards.words import PIPELINE_UID

BEHIND: Final = (Threshold(None, "green", "keeps up"), Threshold(60, "amber", "slow"), Threshold(300, "red", "behind"))
ALIVE: Final = (Threshold(None, "green", "alive"), Threshold(60, "amber", "quiet"), Threshold(300, "red", "silent"))
EXACT: Final = (Threshold(None, "red", "too many"), Threshold(0, "green", "exact"), Threshold(1, "red", "missing"))
NONE_WISHED: Final = (Threshold(None, "green", "none"), Threshold(1, "amber", "some"))
SILENT: Final = (Threshold(None, "green", "heard"), Threshold(10, "amber", "quiet"), Threshold(30, "red", "silent"))

FRESHNESS: Final = Row(
    "Does it keep up?",
    (
        Panel(
            id=1,
            title="Freshness",
            question="How far behind the wall clock are the results? Empty while history is played.",
            sql="SELECT seconds_behind, complete, newest_record, if(played, 'history', 'live') AS kind FROM freshness",
            kind="stat",
            columns=(
                Column("seconds_behind", "Behind", "seconds", thresholds=BEHIND),
                Column("complete", "Read up to", "datetime"),
                Column("newest_record", "Newest record", "datetime"),
                Column("kind", "Kind", "text"),
            ),
            empty="no report yet",
            width=8,
            height=6,
        ),
        Panel(
            id=2,
            title="Alive",
            question="When did the pipeline report last?",
            sql="SELECT alive_seconds, newest_report FROM freshness",
            kind="stat",
            columns=(
                Column("alive_seconds", "Since the newest report", "seconds", thresholds=ALIVE),
                Column("newest_report", "Newest report", "datetime"),
            ),
            empty="no report yet",
            width=8,
            height=6,
        ),
        Panel(
            id=3,
            title="Come through",
            question="How many records have come through, and how many are on their way?",
            sql="SELECT come_through, in_flight, produced FROM landing",
            kind="stat",
            columns=(
                Column("come_through", "Come through", "count"),
                Column("in_flight", "In flight", "count"),
                Column("produced", "Produced", "count"),
            ),
            empty="no records yet",
            width=8,
            height=6,
        ),
        Panel(
            id=4,
            title="Throughput",
            question="How many records a minute came, by topic? By record time; what was sent twice came twice.",
            sql="""
SELECT minute_end AS time, topic, records
FROM throughput
WHERE $__timeFilter(minute_end)
ORDER BY time, topic
""",
            kind="timeseries",
            unit="count",
            empty="no records yet",
            width=16,
            height=8,
        ),
        Panel(
            id=5,
            title="Lag",
            question="How many records of each topic wait?",
            sql="SELECT topic, sum(log_end - position) AS in_flight FROM counted_records GROUP BY topic ORDER BY topic",
            kind="bars",
            unit="count",
            columns=(Column("topic", "Topic", "text"), Column("in_flight", "Waiting", "count")),
            empty="no report yet",
            width=8,
            height=8,
        ),
    ),
)

ACCOUNTS: Final = Row(
    "Is every record accounted for?",
    (
        Panel(
            id=6,
            title="Accounting",
            question=(
                "Is every record accepted, a duplicate, a dead letter, passed over or in flight, and is its row in the "
                "store? Difference: 0."
            ),
            sql="""
SELECT topic, produced, accepted, duplicates, dead_lettered, passed_over, in_flight, not_landed, missing, difference,
    late
FROM accounting
ORDER BY topic
""",
            kind="table",
            columns=(
                Column("topic", "Topic", "text"),
                Column("produced", "Produced", "count"),
                Column("accepted", "Accepted", "count"),
                Column("duplicates", "Duplicates", "count"),
                Column("dead_lettered", "Dead letters", "count"),
                Column("passed_over", "Passed over", "count"),
                Column("in_flight", "In flight", "count"),
                Column("not_landed", "Not landed yet", "count"),
                Column("missing", "Rows missing", "count", thresholds=EXACT),
                Column("difference", "Difference", "count", thresholds=EXACT),
                Column("late", "Late", "count"),
            ),
            empty="no report yet",
            width=14,
            height=7,
        ),
        Panel(
            id=7,
            title="Orphans",
            question="How many events wait for the share of their link? Impressions as often as they were seen.",
            sql="SELECT campaign_id, topic, unattributed, events, part FROM orphans ORDER BY campaign_id, topic",
            kind="table",
            columns=(
                Column("campaign_id", "Campaign", "text"),
                Column("topic", "Topic", "text"),
                Column("unattributed", "Without a share", "count"),
                Column("events", "Of", "count"),
                Column("part", "Part", "percent"),
            ),
            empty="no events yet",
            width=10,
            height=7,
        ),
        Panel(
            id=8,
            title="Dead letters",
            question="Which events could not be processed, and why?",
            sql="""
SELECT topic, reason, dead_letters, newest
FROM dead_letter_reasons
ORDER BY dead_letters DESC, topic, reason
""",
            kind="table",
            columns=(
                Column("topic", "Topic", "text"),
                Column("reason", "Reason", "text"),
                Column("dead_letters", "Dead letters", "count", thresholds=NONE_WISHED),
                Column("newest", "Newest", "datetime"),
            ),
            empty="no dead letters",
            width=12,
            height=8,
        ),
        Panel(
            id=9,
            title="Feeds",
            question="Which feeds are alive?",
            sql="""
SELECT feed, campaign_id, last_heartbeat, minutes_silent
FROM feed_ages
ORDER BY minutes_silent DESC, feed, campaign_id
""",
            kind="table",
            columns=(
                Column("feed", "Feed", "text"),
                Column("campaign_id", "Campaign", "text"),
                Column("last_heartbeat", "Last heartbeat", "datetime"),
                Column("minutes_silent", "Minutes silent", "minutes", thresholds=SILENT),
            ),
            empty="no feed has ever sent a heartbeat",
            width=12,
            height=8,
        ),
    ),
)

BOARD: Final = Board(
    uid=PIPELINE_UID,
    title="Pipeline",
    question="Does every record come through, in time?",
    complete="SELECT complete AS complete_up_to FROM freshness",
    rows=(FRESHNESS, ACCOUNTS),
    variables=(),
)
