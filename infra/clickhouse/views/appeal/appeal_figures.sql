CREATE OR REPLACE VIEW appeal_figures AS
SELECT
    t.campaign_id AS campaign_id,
    t.currency AS currency,
    t.goal AS goal,
    t.shares AS shares,
    t.impressions_measured AS impressions_measured,
    t.impressions_sampled AS impressions_sampled,
    t.impressions_estimated AS impressions_estimated,
    t.clicks AS clicks,
    t.donations AS donations,
    p.donations_48h AS donations_48h,
    p.donations_late AS donations_late,
    coalesce(g.donors_48h, 0) AS donors_48h,
    t.refunds AS refunds,
    p.gross_early AS gross_early,
    p.gross_48h AS gross_48h,
    p.gross_late AS gross_late,
    t.gross_total AS gross_total,
    t.refunded AS refunded,
    t.fee AS fee,
    t.net AS net,
    t.part_of_goal AS part_of_goal,
    t.exposure AS exposure,
    t.exposures AS exposures,
    t.conversion AS conversion,
    t.conversion_low AS conversion_low,
    t.conversion_high AS conversion_high
FROM appeal_totals AS t
INNER JOIN appeal_phases AS p ON p.campaign_id = t.campaign_id
LEFT JOIN
(
    SELECT campaign_id, uniqExact(donor) AS donors_48h
    FROM givers
    WHERE (campaign_id, start, end) IN (SELECT id, start, end FROM campaigns FINAL)
    GROUP BY campaign_id
) AS g ON g.campaign_id = t.campaign_id
COMMENT 'How does the appeal stand? One row a campaign; 48h is [start, end) of its file, late is the tail after it; conversion is donations per exposure, clicks unless the campaign says otherwise.';
