"""The box for questions: example questions that run, and the dictionary of what can be asked."""

from __future__ import annotations

from typing import Final, NamedTuple


class Question(NamedTuple):
    """A question in words and in SQL; `{campaign}` stands for a campaign's id in quotes."""

    words: str
    sql: str


QUESTIONS: Final = (
    Question(
        "Who really moves people?",
        """SELECT position, influencer_id, clicks, donations,
    round(100 * conversion, 2) AS percent,
    round(100 * conversion_low, 2) AS low,
    round(100 * conversion_high, 2) AS high, gross, reach
FROM leaderboard(campaign = {campaign})
ORDER BY position NULLS LAST, reach DESC
LIMIT 12""",
    ),
    Question(
        "What do a million celebrity impressions bring?",
        """SELECT accounts, impressions_estimated, donations,
    round(per_million, 3) AS per_million,
    round(per_million_low, 3) AS low,
    round(per_million_high, 3) AS high
FROM celebrities(campaign = {campaign})""",
    ),
    Question(
        "Which hours brought the money?",
        """SELECT hour_end, clicks, donations, gross
FROM hours
WHERE campaign_id = {campaign}
ORDER BY gross DESC
LIMIT 10""",
    ),
    Question(
        "How many shared and did not give?",
        """SELECT naive, sharers, never_gave, lowest, highest
FROM sharers_not_donors(campaign = {campaign})""",
    ),
    Question(
        "What could not be processed, and why?",
        """SELECT topic, reason, dead_letters, newest
FROM dead_letter_reasons
ORDER BY dead_letters DESC""",
    ),
)

# Every view with its question, and its columns in their order as (name, type, meaning), those that people made too.
DICTIONARY: Final = """
SELECT c.view AS view, any(c.question) AS question,
    arrayMap(x -> (x.2, x.3, x.4), arraySort(groupArray((c.position, c.column, c.type, c.meaning)))) AS columns
FROM
(
    SELECT v.view AS view, t.comment AS question, toUInt64(v.position) AS position, v.column AS column, v.type AS type,
        v.meaning AS meaning
    FROM view_columns AS v
    INNER JOIN system.tables AS t ON t.name = v.view
    WHERE t.database = currentDatabase()
    UNION ALL
    SELECT s.table, t.comment, s.position, s.name, s.type, s.comment
    FROM system.columns AS s
    INNER JOIN system.tables AS t ON t.database = s.database AND t.name = s.table
    WHERE s.database = currentDatabase() AND t.engine = 'View' AND s.table NOT IN (SELECT view FROM view_columns)
) AS c
GROUP BY view
ORDER BY view
"""
