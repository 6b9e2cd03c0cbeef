-- `seconds_behind` leaves the allowed lateness out: a pipeline that keeps up shows about nothing.  A record a day older
-- than the newest report is history that is played; against the wall clock it says nothing, so it is null.
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
