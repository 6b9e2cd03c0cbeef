"""What people are woken for: alert rules, said once.

Law: a rule is thin.  It reads a state that somebody else decided and gives a row for every entity, firing or not: one
number, 0 or 1, and strings, which become the alert's labels.  A row that vanished would resolve its alert.

Labels are an alert's identity, so they must stand still while it fires: the sentence in them is the one that the
detector said when the state began (`stall_changes`), not the one of this minute.  It stays after the incident too,
until the next one of that kind.

One cause is one alert.  States of the detector exclude each other; influencers are silent while their campaign's own
incident is open; a pipeline that is dead is not also behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from dashboards.words import APPEAL_UID, INFLUENCER_UID, PIPELINE_UID
from schemas.stalls import State
from schemas.topics import SOURCES

Severity = Literal["critical", "warning"]
Family = Literal["appeal", "pipeline"]

BEHIND_SECONDS: Final = 300  # of the wall clock, the allowed lateness left out
SILENT_SECONDS: Final = 120  # a rebalance may take half of it
# Every source partition is reported on by every partition of slices, every two seconds and also when it is idle: the
# report that is missing longest counts, whichever worker owes it.
DEAD: Final = f"(dateDiff('second', oldest_report, now64(3, 'UTC')) > {SILENT_SECONDS})"
DEAD_LETTERS: Final = 10
DEAD_LETTER_MINUTES: Final = 15


@dataclass(frozen=True)
class Alert:
    """One rule.

    `sql` gives strings and the number `firing`.  `summary`, `sentence` and `next_step` are Go templates over its
    strings (`{{ $labels.campaign_id }}`).  `board` and `panel` are what the message links to.  It must fire for `wait`
    before anybody is told.  `silence_fires`: no row, or a store that does not answer, is an alert too; otherwise no
    row is none, and without an answer everything stays as it was.
    """

    uid: str
    title: str
    family: Family
    severity: Severity
    sql: str
    summary: str
    sentence: str
    next_step: str
    board: str
    panel: int
    wait: str = "0s"
    silence_fires: bool = False


def _state(state: State, dimension: str = "campaign") -> str:
    """A row for each entity of that dimension: does it stand like that?"""
    member = "s.member AS influencer_id, " if dimension == "influencer" else ""
    return f"""
SELECT s.campaign_id AS campaign_id, {member}said.since AS since, said.sentence AS sentence,
    said.next_step AS next_step, toUInt32(s.state = '{state}') AS firing
FROM (SELECT campaign_id, member, state FROM stall_states WHERE dimension = '{dimension}') AS s
LEFT JOIN
(
    SELECT campaign_id, member, formatDateTime(max(c.at), '%Y-%m-%d %H:%i UTC', 'UTC') AS since,
        argMax(c.sentence, c.at) AS sentence, argMax(c.next_step, c.at) AS next_step
    FROM stall_changes AS c
    WHERE dimension = '{dimension}' AND state = '{state}'
    GROUP BY campaign_id, member
) AS said ON said.campaign_id = s.campaign_id AND said.member = s.member
ORDER BY s.campaign_id, s.member
"""


def _stall(uid: str, title: str, severity: Severity, state: State, summary: str) -> Alert:
    return Alert(
        uid=f"groundswell-{uid}",
        title=title,
        family="appeal",
        severity=severity,
        sql=_state(state),
        summary=f"{{{{ $labels.campaign_id }}}}: {summary}",
        sentence="Since {{ $labels.since }}. {{ $labels.sentence }}",
        next_step="{{ $labels.next_step }}",
        board=APPEAL_UID,
        panel=1,
    )


ALERTS: Final = (
    _stall("stalled", "Stalled", "critical", "stalled", "people come and no longer give"),
    _stall("slow", "Slow", "warning", "slow", "fewer people give than usual"),
    _stall("no-traffic", "No traffic", "warning", "no_traffic", "nobody comes any more"),
    _stall("feed-down", "Feed down", "critical", "feed_down", "a feed has gone silent"),
    Alert(
        uid="groundswell-influencer-stalled",
        title="Influencer stalled",
        family="appeal",
        severity="warning",
        sql=_state("stalled", "influencer"),
        summary="{{ $labels.campaign_id }}: people come by {{ $labels.influencer_id }} and no longer give",
        sentence="Since {{ $labels.since }}. {{ $labels.sentence }}",
        next_step="{{ $labels.next_step }}",
        board=INFLUENCER_UID,
        panel=1,
    ),
    Alert(
        uid="groundswell-behind",
        title="Pipeline behind",
        family="pipeline",
        severity="critical",
        sql=f"""
SELECT 'pipeline' AS pipeline, toUInt32(coalesce(seconds_behind, 0) > {BEHIND_SECONDS} AND NOT {DEAD}) AS firing
FROM freshness
""",
        summary=f"results are more than {BEHIND_SECONDS // 60} minutes behind",
        sentence="Workers are alive, but records wait. What the boards show is older than it seems, and the stall "
        "detector waits with them.",
        next_step="See which topic waits; look for a worker that restarts again and again, or start one more.",
        board=PIPELINE_UID,
        panel=5,
        wait="1m",
    ),
    Alert(
        uid="groundswell-dead-letters",
        title="Dead letters",
        family="pipeline",
        severity="warning",
        sql=f"""
SELECT t.topic AS topic, toUInt32(coalesce(d.dead_letters, 0) >= {DEAD_LETTERS}) AS firing
FROM (SELECT arrayJoin({list(SOURCES)}) AS topic) AS t
LEFT JOIN
(
    SELECT l.topic AS topic, count() AS dead_letters
    FROM current_dead_letters AS l
    CROSS JOIN (SELECT newest_record FROM freshness WHERE NOT played) AS f
    WHERE l.record_time > f.newest_record - INTERVAL {DEAD_LETTER_MINUTES} MINUTE
    GROUP BY topic
) AS d ON d.topic = t.topic
ORDER BY topic
""",
        summary="events of the topic {{ $labels.topic }} are refused",
        sentence=f"At least {DEAD_LETTERS} in {DEAD_LETTER_MINUTES} minutes could not be processed, by their fault.",
        next_step="See the reasons on the panel; `groundswell dead-letters list` and `show` say which producer.",
        board=PIPELINE_UID,
        panel=8,
    ),
    Alert(
        uid="groundswell-dead",
        title="Pipeline dead",
        family="pipeline",
        severity="critical",
        # A history that was played to its end has nothing more to report.
        sql=f"""
SELECT 'pipeline' AS pipeline, toUInt32({DEAD} AND NOT ifNull(played, 0)) AS firing
FROM freshness
""",
        summary="the pipeline, or a part of it, has stopped reporting",
        sentence="A partition has had no report for some minutes, none ever came, or ClickHouse does not answer.",
        next_step="See whether ClickHouse and Kafka answer, then what the logs of the three roles say last.",
        board=PIPELINE_UID,
        panel=2,
        wait="2m",
        silence_fires=True,
    ),
)
