CREATE OR REPLACE VIEW appeal_phases AS
SELECT
    c.id AS campaign_id,
    if(k.cuts, toInt64(coalesce(l.donations_by_end, 0)) - toInt64(coalesce(l.donations_by_start, 0)),
        toInt64(coalesce(r.donations_48h, 0))) AS donations_48h,
    if(k.cuts, toInt64(coalesce(l.donations, 0)) - toInt64(coalesce(l.donations_by_end, 0)),
        toInt64(coalesce(r.donations_late, 0))) AS donations_late,
    coalesce(if(k.cuts, l.gross_by_start, r.gross_early), toDecimal128(0, 4)) AS gross_early,
    coalesce(if(k.cuts, l.gross_by_end - l.gross_by_start, r.gross_48h), toDecimal128(0, 4)) AS gross_48h,
    coalesce(if(k.cuts, l.gross - l.gross_by_end, r.gross_late), toDecimal128(0, 4)) AS gross_late
FROM (SELECT id FROM campaigns FINAL) AS c
INNER JOIN chains AS k ON k.campaign_id = c.id
LEFT JOIN
(
    SELECT
        n.campaign_id AS campaign_id,
        argMax(n.donations, n.window_end) AS donations,
        argMax(n.gross, n.window_end) AS gross,
        argMaxIf(n.donations, n.window_end, n.window_end <= b.start) AS donations_by_start,
        argMaxIf(n.donations, n.window_end, n.window_end <= b.end) AS donations_by_end,
        argMaxIf(n.gross, n.window_end, n.window_end <= b.start) AS gross_by_start,
        argMaxIf(n.gross, n.window_end, n.window_end <= b.end) AS gross_by_end
    FROM campaign_lines AS n
    INNER JOIN (SELECT id, start, end FROM campaigns FINAL) AS b ON b.id = n.campaign_id
    GROUP BY campaign_id
) AS l ON l.campaign_id = c.id
LEFT JOIN
(
    SELECT * FROM raw_phases WHERE campaign_id IN (SELECT campaign_id FROM chains WHERE NOT cuts)
) AS r ON r.campaign_id = c.id
COMMENT 'What came before the 48 hours, within them, and after them?';
