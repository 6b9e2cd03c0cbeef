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
