-- The same figures from fewer rows: what asks for money alone no longer reads clicks and impressions, and throughput reads
-- each table once where it read it four times.

CREATE OR REPLACE VIEW appeal_money AS
SELECT
    c.id AS campaign_id,
    toString(c.currency) AS currency,
    c.goal AS goal,
    coalesce(d.donations_48h, 0) AS donations_48h,
    coalesce(d.donations_late, 0) AS donations_late,
    coalesce(d.gross_late, toDecimal128(0, 4)) AS gross_late,
    coalesce(d.gross_total, toDecimal128(0, 4)) AS gross_total,
    coalesce(d.refunded, toDecimal128(0, 4)) AS refunded,
    gross_total - refunded - coalesce(d.fee, toDecimal128(0, 4)) AS net,
    if(c.goal > 0, toFloat64(gross_total) / toFloat64(c.goal), NULL) AS part_of_goal
FROM (SELECT * FROM campaigns FINAL) AS c
LEFT JOIN
(
    SELECT
        campaign_id,
        countIf(kind = 'donation' AND phase = 'appeal') AS donations_48h,
        countIf(kind = 'donation' AND phase = 'tail') AS donations_late,
        sumIf(a.gross, phase = 'tail') AS gross_late,
        sum(a.gross) AS gross_total,
        sum(a.refunded) AS refunded,
        sum(a.fee_paid) AS fee
    FROM counted_donations AS a
    GROUP BY campaign_id
) AS d ON d.campaign_id = c.id
COMMENT 'How much money has come in? The part of appeal_figures that needs donations alone.';

CREATE OR REPLACE VIEW appeal_pace AS
SELECT
    f.campaign_id AS campaign_id,
    f.currency AS currency,
    f.goal AS goal,
    f.gross_total AS gross,
    f.gross_late AS gross_late,
    f.donations_late AS donations_late,
    f.refunded AS refunded,
    f.net AS net,
    f.part_of_goal AS part_of_goal,
    k.part_of_time AS part_of_time,
    if(k.part_of_time > 0, f.part_of_goal / k.part_of_time, NULL) AS pace,
    multiIf(k.part_of_time IS NULL OR k.part_of_time = 0, 'not begun', f.part_of_goal >= 1, 'goal reached',
        k.part_of_time >= 1, 'goal not reached', pace >= 1, 'ahead of an even pace', 'behind an even pace') AS standing
FROM appeal_money AS f
INNER JOIN campaign_clock AS k ON k.campaign_id = f.campaign_id
COMMENT 'Is the appeal on pace? pace 1 is an even one: the part of the goal divided by the part of the time that has gone.';

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
SELECT a.topic AS topic, tupleElement(a.point, 1) AS minute_end, sum(tupleElement(a.point, 2)) AS records
FROM
(
    SELECT
        w.topic AS topic,
        w.newest AS newest,
        arrayJoin([(w.minute_end, w.records), (w.minute_end - INTERVAL 1 MINUTE, toUInt64(0)),
            (w.minute_end + INTERVAL 1 MINUTE, toUInt64(0)), (w.newest, toUInt64(0))]) AS point
    FROM (SELECT topic, minute_end, records, max(minute_end) OVER () AS newest FROM counted) AS w
) AS a
WHERE tupleElement(a.point, 1) <= a.newest
GROUP BY topic, minute_end
COMMENT 'How many records came in each minute of record time? Each once, duplicates not counted; 0 on both sides of a hole.';
