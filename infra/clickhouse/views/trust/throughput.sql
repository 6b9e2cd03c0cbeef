-- A minute without a record beside one with some, and the newest minute of all, are said as 0: a line between two
-- minutes with records would claim those between.
CREATE OR REPLACE VIEW throughput AS
WITH counted AS
(
    SELECT topic, minute_end, sum(number) AS records
    FROM
    (
        SELECT topic, minute_end, groupBitmapMerge(offsets) AS number
        FROM minutes_of_records
        GROUP BY topic, minute_end, source_partition
    )
    GROUP BY topic, minute_end
    UNION ALL
    SELECT 'dead-letters', toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, count()
    FROM dead_letters FINAL
    GROUP BY minute_end
)
SELECT a.topic AS topic, tupleElement(a.point, 1) AS minute_end, sum(tupleElement(a.point, 2)) AS records
FROM
(
    SELECT
        toString(w.topic) AS topic,
        w.newest AS newest,
        arrayJoin([(w.minute_end, w.records), (w.minute_end - INTERVAL 1 MINUTE, toUInt64(0)),
            (w.minute_end + INTERVAL 1 MINUTE, toUInt64(0)), (w.newest, toUInt64(0))]) AS point
    FROM (SELECT topic, minute_end, records, max(minute_end) OVER () AS newest FROM counted) AS w
) AS a
WHERE tupleElement(a.point, 1) <= a.newest
GROUP BY topic, minute_end
COMMENT 'How many records were taken in each minute of record time? One that was sent twice is there twice; 0 on both sides of a hole.';
