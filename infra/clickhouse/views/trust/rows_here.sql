-- Each record is in one minute, so the sets of the minutes are counted one by one: to take all of a partition into one set
-- and cut it takes ten times as long.
CREATE OR REPLACE VIEW rows_here AS
SELECT
    p.topic AS topic,
    p.source_partition AS source_partition,
    sum(multiIf(m.number = 0, 0, m.lowest >= p.begin AND m.highest < p.position, m.number,
        bitmapCardinality(bitmapSubsetInRange(m.offsets, toUInt64(p.begin), toUInt64(p.position))))) AS number
FROM
(
    SELECT
        toString(topic) AS topic,
        source_partition,
        groupBitmapMergeState(r.offsets) AS offsets,
        bitmapMin(offsets) AS lowest,
        bitmapMax(offsets) AS highest,
        bitmapCardinality(offsets) AS number
    FROM minutes_of_records AS r
    GROUP BY topic, source_partition, minute_end
) AS m
INNER JOIN counted_records AS p ON p.topic = m.topic AND p.source_partition = m.source_partition
GROUP BY topic, source_partition
COMMENT 'Of how many of the records that attribution has read did a row land here?';
