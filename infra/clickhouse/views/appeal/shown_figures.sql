-- What the appeal has brought, and of that what came before its start and after its end.
CREATE OR REPLACE VIEW shown_figures AS
SELECT * EXCEPT (z2, middle, half)
FROM
(
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
        coalesce(s.gross, toDecimal128(0, 4)) AS gross_total,
        coalesce(s.refunded, toDecimal128(0, 4)) AS refunded,
        coalesce(s.net, toDecimal128(0, 4)) AS net,
        if(c.goal > 0, toFloat64(gross_total) / toFloat64(c.goal), NULL) AS part_of_goal,
        toString(c.exposure) AS exposure,
        multiIf(c.exposure = 'impressions_measured', impressions_measured,
            c.exposure = 'impressions_sampled', impressions_sampled,
            c.exposure = 'impressions_estimated', impressions_estimated, clicks) AS exposures,
        if(exposures > 0, donations / exposures, NULL) AS conversion,
        -- Wilson's interval, 95 %; none where there are more gifts than exposures, for then it is no proportion.
        pow(1.959964, 2) AS z2,
        (donations + z2 / 2) / (exposures + z2) AS middle,
        sqrt(z2 * (donations * (toFloat64(exposures) - donations) / exposures + z2 / 4)) / (exposures + z2) AS half,
        if(exposures > 0 AND donations <= exposures, greatest(middle - half, 0.), NULL) AS conversion_low,
        if(exposures > 0 AND donations <= exposures, least(middle + half, 1.), NULL) AS conversion_high
    FROM (SELECT * FROM campaigns FINAL) AS c
    LEFT JOIN (SELECT * FROM group_sums WHERE dimension = 'campaign') AS s ON s.campaign_id = c.id
)
COMMENT 'How does the appeal stand? The part of appeal_figures that results hold.';
