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
FROM leaderboard
WHERE campaign_id = {campaign}
ORDER BY position NULLS LAST, reach DESC
LIMIT 12""",
    ),
    Question(
        "What do a million celebrity impressions bring?",
        """SELECT accounts, impressions_estimated, donations,
    round(per_million, 3) AS per_million,
    round(per_million_low, 3) AS low,
    round(per_million_high, 3) AS high
FROM celebrities
WHERE campaign_id = {campaign}""",
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
FROM sharers_not_donors
WHERE campaign_id = {campaign}""",
    ),
    Question(
        "What could not be processed, and why?",
        """SELECT topic, reason, dead_letters, newest
FROM dead_letter_reasons
ORDER BY dead_letters DESC""",
    ),
)

# Every view with its question, and its columns in their order: the first row of a view has its comment.
DICTIONARY: Final = """
SELECT t.name AS view, t.comment AS question, c.columns AS columns
FROM system.tables AS t
INNER JOIN
(
    SELECT table, arrayMap(x -> (x.2, x.3, x.4), arraySort(groupArray((position, name, type, comment)))) AS columns
    FROM system.columns
    WHERE database = currentDatabase()
    GROUP BY table
) AS c ON c.table = t.name
WHERE t.database = currentDatabase() AND t.engine = 'View'
ORDER BY view
"""
