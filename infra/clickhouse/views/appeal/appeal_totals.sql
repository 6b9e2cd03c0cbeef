CREATE OR REPLACE VIEW appeal_totals AS
SELECT
    c.id AS campaign_id,
    toString(c.currency) AS currency,
    c.goal AS goal,
    coalesce(s.shares, 0) AS shares,
    coalesce(s.impressions_measured, 0) AS impressions_measured,
    coalesce(s.impressions_sampled, 0) AS impressions_sampled,
    coalesce(s.impressions_estimated, 0) AS impressions_estimated,
    coalesce(s.clicks, 0) AS clicks,
    coalesce(s.donations, 0) AS donations,
    coalesce(s.refunds, 0) AS refunds,
    coalesce(s.gross, toDecimal128(0, 4)) AS gross_total,
    coalesce(s.refunded, toDecimal128(0, 4)) AS refunded,
    coalesce(s.fee, toDecimal128(0, 4)) AS fee,
    coalesce(s.net, toDecimal128(0, 4)) AS net,
    if(c.goal > 0, toFloat64(gross_total) / toFloat64(c.goal), NULL) AS part_of_goal,
    toString(c.exposure) AS exposure,
    gs_exposures(c.exposure, impressions_measured, impressions_sampled, impressions_estimated, clicks) AS exposures,
    gs_rate(donations, exposures) AS conversion,
    gs_wilson_low(donations, exposures) AS conversion_low,
    gs_wilson_high(donations, exposures) AS conversion_high
FROM (SELECT * FROM campaigns FINAL) AS c
LEFT JOIN (SELECT * FROM group_sums WHERE dimension = 'campaign') AS s ON s.campaign_id = c.id
COMMENT 'What has come of the appeal since the beginning? One row a campaign.';
