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
