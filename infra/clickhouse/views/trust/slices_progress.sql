CREATE OR REPLACE VIEW slices_progress AS
SELECT
    w.slices_partition AS slices_partition,
    -- Where history is played an idle source, read to its end and silent, counts as the newest while its worker speaks.
    if(countIf(w.stands = 1) > 0, minIf(w.reached, w.stands = 1), max(w.reached)) AS clock,
    max(w.reached) AS newest,
    min(w.computed_at) AS oldest_report,
    max(w.computed_at) AS newest_report,
    count() AS source_partitions
FROM
(
    SELECT
        slices_partition,
        computed_at,
        -- Nothing is complete up to later than now, whatever a clock has said.
        if(live = 1, least(clock, computed_at), clock) AS reached,
        idle = 0 OR live = 1
            OR computed_at < max(computed_at) OVER (PARTITION BY slices_partition) - INTERVAL 10 SECOND AS stands
    FROM watermarks FINAL
) AS w
GROUP BY slices_partition
COMMENT 'How far has each partition of slices come, and when did it report last? Windows and stalls are made of them one by one.';
