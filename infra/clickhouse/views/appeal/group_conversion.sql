CREATE OR REPLACE VIEW group_conversion AS
SELECT
    g.campaign_id AS campaign_id,
    g.dimension AS dimension,
    g.member AS member,
    g.clicks AS clicks,
    g.donations AS donations,
    g.gross AS gross,
    toString(c.exposure) AS exposure,
    gs_exposures(c.exposure, g.impressions_measured, g.impressions_sampled, g.impressions_estimated, g.clicks) AS exposures,
    gs_rate(donations, exposures) AS conversion,
    gs_wilson_low(donations, exposures) AS conversion_low,
    gs_wilson_high(donations, exposures) AS conversion_high,
    gs_counted(donations, exposures, exposure) AS counted
FROM (SELECT * FROM group_sums WHERE dimension IN ('channel', 'tie')) AS g
INNER JOIN (SELECT id, exposure FROM campaigns FINAL) AS c ON c.id = g.campaign_id
COMMENT 'Which channel, and which tie of the sharer, converts? With the 95 % Wilson interval.';
