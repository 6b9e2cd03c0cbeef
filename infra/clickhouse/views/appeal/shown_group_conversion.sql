CREATE OR REPLACE VIEW shown_group_conversion AS
SELECT * EXCEPT (z2, middle, half)
FROM
(
    SELECT
        g.campaign_id AS campaign_id,
        g.dimension AS dimension,
        g.member AS member,
        g.clicks AS clicks,
        g.donations AS donations,
        g.gross AS gross,
        pow(1.959964, 2) AS z2,
        (donations + z2 / 2) / (exposures + z2) AS middle,
        sqrt(z2 * (donations * (toFloat64(exposures) - donations) / nullIf(exposures, 0) + z2 / 4))
            / (exposures + z2) AS half,
        if(exposures > 0, donations / exposures, NULL) AS conversion,
        if(exposures > 0 AND donations <= exposures, greatest(middle - half, 0.), NULL) AS conversion_low,
        if(exposures > 0 AND donations <= exposures, least(middle + half, 1.), NULL) AS conversion_high,
        concat(toString(donations), ' of ', toString(exposures)) AS counts,
        toString(c.exposure) AS exposure,
        multiIf(c.exposure = 'impressions_measured', g.impressions_measured,
            c.exposure = 'impressions_sampled', g.impressions_sampled,
            c.exposure = 'impressions_estimated', g.impressions_estimated, g.clicks) AS exposures,
        concat(counts, ' ', multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions'))) AS counted
    FROM (SELECT * FROM group_sums WHERE dimension IN ('channel', 'tie')) AS g
    INNER JOIN (SELECT id, exposure FROM campaigns FINAL) AS c ON c.id = g.campaign_id
)
COMMENT 'Which channel, and which tie of the sharer, converts? As group_conversion, from results.';
