-- A version begins with the epoch of the log of slices: what is said of a new log outranks all of the one before.
CREATE OR REPLACE VIEW source_progress AS
SELECT
    source_partition,
    tupleElement(newest, 1) AS clock,
    tupleElement(newest, 2) AS idle,
    tupleElement(newest, 3) AS positions,
    tupleElement(newest, 4) AS begins,
    tupleElement(newest, 5) AS ends,
    tupleElement(newest, 6) AS accepted,
    tupleElement(newest, 7) AS duplicates,
    tupleElement(newest, 8) AS dead_lettered,
    tupleElement(newest, 9) AS late,
    tupleElement(newest, 10) AS computed_at,
    tupleElement(newest, 11) AS passed_over
FROM
(
    SELECT
        source_partition,
        argMax((clock, idle, positions, begins, ends, accepted, duplicates, dead_lettered, late, computed_at, passed_over),
            (bitShiftRight(version, 40), source_version, version)) AS newest
    FROM watermarks
    GROUP BY source_partition
)
COMMENT 'How far has each source partition been read? Its newest report.';
