-- Results are as old as the partition of slices that is furthest behind: what was read may wait in any of them.

CREATE OR REPLACE VIEW slices_progress AS
SELECT
    w.slices_partition AS slices_partition,
    -- An idle source, read to its end and silent, counts as the newest.
    if(countIf(w.idle = 0) > 0, minIf(w.clock, w.idle = 0), max(w.clock)) AS clock,
    max(w.clock) AS newest,
    min(w.computed_at) AS oldest_report,
    max(w.computed_at) AS newest_report,
    count() AS source_partitions
FROM (SELECT * FROM watermarks FINAL) AS w
GROUP BY slices_partition
COMMENT 'How far has each partition of slices come, and when did it report last? Windows and stalls are made of them one by one.';

-- A clock of 1970 has seen nothing yet.
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
    SELECT min(s.clock) AS clock, max(s.newest) AS newest, max(s.source_partitions) AS partitions
    FROM slices_progress AS s
) AS p
COMMENT 'Up to when are the results complete? Of the slowest partition; null before the first record.';

CREATE OR REPLACE VIEW freshness AS
SELECT
    complete,
    newest_record,
    newest_report,
    dateDiff('second', newest_report, now64(3, 'UTC')) AS alive_seconds,
    newest_record < newest_report - INTERVAL 1 DAY AS played,
    if(played OR complete IS NULL, NULL, greatest(dateDiff('second', complete, now64(3, 'UTC')), 0)) AS seconds_behind,
    if(complete IS NULL, NULL, dateDiff('second', complete, newest_record)) AS seconds_between,
    partitions,
    oldest_report
FROM
(
    SELECT
        nullIf(min(s.clock), toDateTime64(0, 3, 'UTC')) AS complete,
        nullIf(max(s.newest), toDateTime64(0, 3, 'UTC')) AS newest_record,
        max(s.newest_report) AS newest_report,
        min(s.oldest_report) AS oldest_report,
        max(s.source_partitions) AS partitions
    FROM slices_progress AS s
)
WHERE partitions > 0
COMMENT 'Does the pipeline keep up, and is all of it alive? One row, none before the first report; seconds_behind is null while history is played.';

-- A minute without a record beside one with some, and the newest minute of all, are said as 0: a line between two
-- minutes with records would claim those between.
CREATE OR REPLACE VIEW throughput AS
WITH counted AS
(
    SELECT 'shares' AS topic, toStartOfMinute(record_time) + INTERVAL 1 MINUTE AS minute_end, count() AS records
    FROM shares FINAL
    GROUP BY minute_end
    UNION ALL
    SELECT 'clicks', toStartOfMinute(record_time) + INTERVAL 1 MINUTE AS minute_end, count()
    FROM clicks FINAL
    GROUP BY minute_end
    UNION ALL
    SELECT 'impressions', toStartOfMinute(record_time) + INTERVAL 1 MINUTE AS minute_end, count()
    FROM impressions FINAL
    GROUP BY minute_end
    UNION ALL
    SELECT 'donations', toStartOfMinute(record_time) + INTERVAL 1 MINUTE AS minute_end, count()
    FROM donations FINAL
    GROUP BY minute_end
    UNION ALL
    SELECT 'dead-letters', toStartOfMinute(record_time) + INTERVAL 1 MINUTE AS minute_end, count()
    FROM dead_letters FINAL
    GROUP BY minute_end
)
SELECT a.topic AS topic, a.minute_end AS minute_end, sum(a.number) AS records
FROM
(
    SELECT topic, minute_end, records AS number FROM counted
    UNION ALL
    SELECT topic, arrayJoin([minute_end - INTERVAL 1 MINUTE, minute_end + INTERVAL 1 MINUTE]) AS minute_end, 0
    FROM counted
    UNION ALL
    SELECT topic, (SELECT max(minute_end) FROM counted) AS minute_end, 0 FROM counted GROUP BY topic
) AS a
WHERE a.minute_end <= (SELECT max(minute_end) FROM counted)
GROUP BY topic, minute_end
COMMENT 'How many records came in each minute of record time? Each once, duplicates not counted; 0 on both sides of a hole.';
