CREATE OR REPLACE VIEW landing AS
SELECT
    sum(p.log_end - p.begin) AS produced,
    sum(p.log_end - p.position) AS in_flight,
    produced - in_flight AS come_through
FROM counted_records AS p
COMMENT 'How many records have come through? One row, zeros before the first report.';
