-- A table that holds fewer rows than were accepted has lost some, whatever the sets say; copies that are not merged yet
-- may hide that, so both are asked.
CREATE OR REPLACE VIEW accounting AS
SELECT
    a.topic AS topic,
    a.produced AS produced,
    a.accepted AS accepted,
    a.duplicates AS duplicates,
    a.dead_lettered AS dead_lettered,
    a.passed_over AS passed_over,
    a.in_flight AS in_flight,
    a.late AS late,
    r.not_landed AS not_landed,
    greatest(r.missing, if(r.not_landed = 0, a.accepted - toInt64(c.number), 0)) AS missing,
    if(missing > 0, missing, a.produced - a.accepted - a.duplicates - a.dead_lettered - a.passed_over - a.in_flight) AS difference
FROM
(
    SELECT
        topic,
        sum(p.log_end - p.begin) AS produced,
        sum(p.accepted) AS accepted,
        sum(p.duplicates) AS duplicates,
        sum(p.dead_lettered) AS dead_lettered,
        sum(p.passed_over) AS passed_over,
        sum(p.log_end - p.position) AS in_flight,
        sum(p.late) AS late
    FROM counted_records AS p
    GROUP BY topic
) AS a
INNER JOIN
(
    SELECT topic, sum(s.not_landed) AS not_landed, sum(s.missing) AS missing FROM landed_records AS s GROUP BY topic
) AS r ON r.topic = a.topic
INNER JOIN
(
    SELECT 'shares' AS topic, count() AS number FROM shares
    UNION ALL
    SELECT 'clicks', count() FROM clicks
    UNION ALL
    SELECT 'impressions', count() FROM impressions
    UNION ALL
    SELECT 'donations', count() FROM donations
) AS c ON c.topic = a.topic
COMMENT 'Is every record accounted for? produced = accepted + duplicates + dead_lettered + passed_over + in_flight, and no row is missing here: difference is 0. Of all campaigns: a log is not cut by campaign.';
