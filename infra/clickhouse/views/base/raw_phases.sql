CREATE OR REPLACE VIEW raw_phases AS
SELECT
    campaign_id,
    countIf(kind = 'donation' AND phase = 'appeal') AS donations_48h,
    countIf(kind = 'donation' AND phase = 'tail') AS donations_late,
    sumIf(a.gross, phase = 'before') AS gross_early,
    sumIf(a.gross, phase = 'appeal') AS gross_48h,
    sumIf(a.gross, phase = 'tail') AS gross_late
FROM counted_donations AS a
GROUP BY campaign_id
COMMENT 'What came before, within and after the 48 hours? Of raw rows, for campaigns whose windows do not end there.';
