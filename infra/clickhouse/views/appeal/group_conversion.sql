CREATE OR REPLACE VIEW group_conversion AS
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
    FROM
    (
        SELECT campaign_id, 'channel' AS dimension, channel AS member, impressions_measured, impressions_sampled,
            impressions_estimated, clicks, donations, gross
        FROM channel_totals
        UNION ALL
        SELECT campaign_id, 'tie', owner_tie, sum(t.impressions_measured), sum(t.impressions_sampled),
            sum(t.impressions_estimated), sum(t.clicks), sum(t.donations), sum(t.gross)
        FROM referral_totals AS t
        GROUP BY campaign_id, owner_tie
    ) AS g
    INNER JOIN (SELECT id, exposure FROM campaigns FINAL) AS c ON c.id = g.campaign_id
)
COMMENT 'Which channel, and which tie of the sharer, converts? With the 95 % Wilson interval.';
