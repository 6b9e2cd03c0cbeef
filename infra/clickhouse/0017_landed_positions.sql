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

-- What attribution has taken in against what is here.  `expected` and `here` speak of the same stretch of the log, the
-- one that attribution has read, and are compared once the sink has landed all of it: what is on its way is not missing.
-- Shares that attribution refused are here too, so of shares as many may be missing unseen.
CREATE OR REPLACE VIEW landed_records AS
SELECT
    p.topic AS topic,
    p.source_partition AS source_partition,
    p.expected AS expected,
    bitmapCardinality(bitmapSubsetInRange(m.offsets, p.begin, p.position)) AS here,
    greatest(toInt64(p.position) - toInt64(l.position), 0) AS not_landed,
    if(not_landed = 0, greatest(toInt64(p.expected) - toInt64(here), 0), 0) AS missing
FROM
(
    SELECT
        s.source_partition AS source_partition,
        topic,
        s.begins[topic] AS begin,
        s.positions[topic] AS position,
        s.accepted[topic] + s.duplicates[topic] AS expected
    FROM source_progress AS s
    ARRAY JOIN ['shares', 'clicks', 'impressions', 'donations'] AS topic
) AS p
LEFT JOIN
(
    SELECT toString(topic) AS topic, partition, argMax(f.position, f.landed_at) AS position
    FROM landed_positions AS f FINAL
    GROUP BY topic, partition
) AS l ON l.topic = p.topic AND l.partition = p.source_partition
LEFT JOIN
(
    SELECT toString(topic) AS topic, source_partition, groupBitmapMergeState(r.offsets) AS offsets
    FROM minutes_of_records AS r
    GROUP BY topic, source_partition
) AS m ON m.topic = p.topic AND m.source_partition = p.source_partition
COMMENT 'Are the rows of every record here that attribution has counted? not_landed are on their way; missing must be 0.';

CREATE OR REPLACE VIEW accounting AS
SELECT
    topic,
    sum(toInt64(ends[topic]) - toInt64(begins[topic])) AS produced,
    sum(toInt64(p.accepted[topic])) AS accepted,
    sum(toInt64(p.duplicates[topic])) AS duplicates,
    sum(toInt64(p.dead_lettered[topic])) AS dead_lettered,
    sum(toInt64(ends[topic]) - toInt64(positions[topic])) AS in_flight,
    sum(toInt64(p.late[topic])) AS late,
    any(r.not_landed) AS not_landed,
    any(r.missing) AS missing,
    if(missing > 0, missing, produced - accepted - duplicates - dead_lettered - in_flight) AS difference
FROM source_progress AS p
ARRAY JOIN ['shares', 'clicks', 'impressions', 'donations'] AS topic
LEFT JOIN (SELECT topic, sum(not_landed) AS not_landed, sum(missing) AS missing FROM landed_records GROUP BY topic) AS r
    ON r.topic = topic
GROUP BY topic
COMMENT 'Is every record accounted for? produced = accepted + duplicates + dead_lettered + in_flight, and no row is missing here: difference is 0. Of all campaigns: a log is not cut by campaign.';
