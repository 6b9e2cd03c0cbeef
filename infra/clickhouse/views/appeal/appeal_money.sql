CREATE OR REPLACE VIEW appeal_money AS
SELECT
    c.id AS campaign_id,
    toString(c.currency) AS currency,
    c.goal AS goal,
    coalesce(d.donations_48h, 0) AS donations_48h,
    coalesce(d.donations_late, 0) AS donations_late,
    coalesce(d.gross_late, toDecimal128(0, 4)) AS gross_late,
    coalesce(d.gross_total, toDecimal128(0, 4)) AS gross_total,
    coalesce(d.refunded, toDecimal128(0, 4)) AS refunded,
    gross_total - refunded - coalesce(d.fee, toDecimal128(0, 4)) AS net,
    if(c.goal > 0, toFloat64(gross_total) / toFloat64(c.goal), NULL) AS part_of_goal
FROM (SELECT * FROM campaigns FINAL) AS c
LEFT JOIN
(
    SELECT
        campaign_id,
        countIf(kind = 'donation' AND phase = 'appeal') AS donations_48h,
        countIf(kind = 'donation' AND phase = 'tail') AS donations_late,
        sumIf(a.gross, phase = 'tail') AS gross_late,
        sum(a.gross) AS gross_total,
        sum(a.refunded) AS refunded,
        sum(a.fee_paid) AS fee
    FROM counted_donations AS a
    GROUP BY campaign_id
) AS d ON d.campaign_id = c.id
COMMENT 'How much money has come in? The part of appeal_figures that needs donations alone.';
