-- How complete and how trustworthy is what the other views say?

CREATE OR REPLACE VIEW current_conversions AS
SELECT * FROM conversions FINAL
COMMENT 'What is the conversion of each entity over each window? The newest version of every window; an interval is [window_end - size, window_end).';

CREATE OR REPLACE VIEW current_dead_letters AS
SELECT * FROM dead_letters FINAL
COMMENT 'Which events could not be processed, and why? Each once.';

CREATE OR REPLACE VIEW dead_letter_reasons AS
SELECT topic, reason, count() AS dead_letters, max(d.record_time) AS newest
FROM current_dead_letters AS d
GROUP BY topic, reason
COMMENT 'Why do events fail? Dead letters by topic and reason.';

-- Every partition of slices reports on every source partition: the one that has seen most of it speaks.
CREATE OR REPLACE VIEW source_progress AS
SELECT
    source_partition,
    tupleElement(newest, 1) AS clock,
    tupleElement(newest, 2) AS idle,
    tupleElement(newest, 3) AS positions,
    tupleElement(newest, 4) AS begins,
    tupleElement(newest, 5) AS ends,
    tupleElement(newest, 6) AS accepted,
    tupleElement(newest, 7) AS duplicates,
    tupleElement(newest, 8) AS dead_lettered,
    tupleElement(newest, 9) AS late,
    tupleElement(newest, 10) AS computed_at
FROM
(
    SELECT
        source_partition,
        argMax((clock, idle, positions, begins, ends, accepted, duplicates, dead_lettered, late, computed_at),
            (source_version, version)) AS newest
    FROM watermarks
    GROUP BY source_partition
)
COMMENT 'How far has each source partition been read? Its newest report.';

CREATE OR REPLACE VIEW accounting AS
SELECT
    topic,
    sum(toInt64(ends[topic]) - toInt64(begins[topic])) AS produced,
    sum(toInt64(p.accepted[topic])) AS accepted,
    sum(toInt64(p.duplicates[topic])) AS duplicates,
    sum(toInt64(p.dead_lettered[topic])) AS dead_lettered,
    sum(toInt64(ends[topic]) - toInt64(positions[topic])) AS in_flight,
    sum(toInt64(p.late[topic])) AS late,
    produced - accepted - duplicates - dead_lettered - in_flight AS difference
FROM source_progress AS p
ARRAY JOIN ['shares', 'clicks', 'impressions', 'donations'] AS topic
GROUP BY topic
COMMENT 'Is every record accounted for? produced = accepted + duplicates + dead_lettered + in_flight: difference is 0. Of all campaigns: a log is not cut by campaign.';

CREATE OR REPLACE VIEW landed AS
SELECT 'shares' AS topic, count() AS events FROM accepted_shares
UNION ALL
SELECT 'clicks', count() FROM clicks FINAL
UNION ALL
SELECT 'impressions', count() FROM impressions FINAL
UNION ALL
SELECT 'donations', count() FROM donations FINAL
UNION ALL
SELECT 'dead-letters', count() FROM dead_letters FINAL
COMMENT 'How many accepted events and dead letters are in the store? Compare with accounting.';

-- An idle partition, read to its end and silent, counts as the newest.  A clock of 1970 has seen nothing yet.
CREATE OR REPLACE VIEW complete_up_to AS
SELECT
    c.id AS campaign_id,
    if(coalesce(p.clock, toDateTime64(0, 3, 'UTC')) <= toDateTime64(0, 3, 'UTC'), NULL,
        p.clock - toIntervalSecond(c.allowed_lateness)) AS complete_up_to,
    if(coalesce(p.newest, toDateTime64(0, 3, 'UTC')) <= toDateTime64(0, 3, 'UTC'), NULL, p.newest) AS newest_record,
    coalesce(p.partitions, 0) AS partitions
FROM (SELECT id, allowed_lateness FROM campaigns FINAL) AS c
CROSS JOIN
(
    SELECT
        if(countIf(idle = 0) > 0, minIf(s.clock, idle = 0), max(s.clock)) AS clock,
        max(s.clock) AS newest,
        count() AS partitions
    FROM source_progress AS s
) AS p
COMMENT 'Up to when are the results complete? Null before the first record.';
