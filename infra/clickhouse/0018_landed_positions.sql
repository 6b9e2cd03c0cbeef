-- How far each log has landed, in the store that holds its rows: whoever lands them goes on from here, so a store that is
-- new, restored or another one is filled from where it stands itself.

CREATE TABLE IF NOT EXISTS landed_positions
(
    topic LowCardinality(String),
    topic_id String COMMENT 'a topic that was made anew has another',
    partition UInt16,
    position UInt64 COMMENT 'the rows of every record before it are here',
    landed_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(position)
ORDER BY (topic, topic_id, partition)
COMMENT 'How far each log has landed; the sink goes on from here. Ask accounting.';

CREATE OR REPLACE VIEW counted_records AS
SELECT
    p.source_partition AS source_partition,
    topic,
    toInt64(p.begins[topic]) AS begin,
    toInt64(p.positions[topic]) AS position,
    toInt64(p.ends[topic]) AS log_end,
    toInt64(p.accepted[topic]) AS accepted,
    toInt64(p.duplicates[topic]) AS duplicates,
    toInt64(p.dead_lettered[topic]) AS dead_lettered,
    toInt64(p.passed_over[topic]) AS passed_over,
    toInt64(p.late[topic]) AS late
FROM source_progress AS p
ARRAY JOIN ['shares', 'clicks', 'impressions', 'donations'] AS topic
COMMENT 'What has attribution made of the records of each topic and partition? Those from begin to position; the rest of the log is in flight.';

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

CREATE OR REPLACE VIEW landing AS
SELECT
    sum(p.log_end - p.begin) AS produced,
    sum(p.log_end - p.position) AS in_flight,
    produced - in_flight AS come_through
FROM counted_records AS p
COMMENT 'How many records have come through? One row, zeros before the first report.';
