-- A partition is compared once the sink has landed as much of it as attribution has read: what is on its way is not
-- missing.  Shares that attribution refused have rows too, so of shares as many may be missing unseen.
CREATE OR REPLACE VIEW landed_records AS
SELECT
    p.topic AS topic,
    p.source_partition AS source_partition,
    p.accepted + p.duplicates AS expected,
    toInt64(coalesce(h.number, 0)) AS here,
    greatest(p.position - toInt64(coalesce(l.position, 0)), 0) AS not_landed,
    if(not_landed = 0, greatest(expected - here, 0), 0) AS missing
FROM counted_records AS p
LEFT JOIN
(
    SELECT toString(topic) AS topic, partition, argMax(f.position, f.landed_at) AS position
    FROM landed_positions AS f FINAL
    GROUP BY topic, partition
) AS l ON l.topic = p.topic AND l.partition = p.source_partition
LEFT JOIN rows_here AS h ON h.topic = p.topic AND h.source_partition = p.source_partition
COMMENT 'Are the rows of every record here that attribution has counted? not_landed are on their way; missing must be 0.';
