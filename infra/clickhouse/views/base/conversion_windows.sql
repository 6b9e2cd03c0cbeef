-- Wilson's interval, 95 %; none where there are more gifts than exposures, for then it is no proportion.
CREATE OR REPLACE VIEW conversion_windows AS
SELECT * EXCEPT (z2, middle, half)
FROM
(
    SELECT
        w.campaign_id AS campaign_id,
        toString(w.dimension) AS dimension,
        w.member AS member,
        toString(w.window) AS window,
        w.window_end AS window_end,
        toString(c.exposure) AS exposure,
        multiIf(c.exposure = 'impressions_measured', w.impressions_measured,
            c.exposure = 'impressions_sampled', w.impressions_sampled,
            c.exposure = 'impressions_estimated', w.impressions_estimated, w.clicks) AS exposures,
        w.donations AS donations,
        w.gross AS gross,
        w.net AS net,
        pow(1.959964, 2) AS z2,
        (donations + z2 / 2) / (exposures + z2) AS middle,
        sqrt(z2 * (donations * (toFloat64(exposures) - donations) / nullIf(exposures, 0) + z2 / 4))
            / (exposures + z2) AS half,
        if(exposures > 0, donations / exposures, NULL) AS rate,
        if(exposures > 0 AND donations <= exposures, greatest(middle - half, 0.), NULL) AS rate_low,
        if(exposures > 0 AND donations <= exposures, least(middle + half, 1.), NULL) AS rate_high,
        if(exposures >= 20, rate, NULL) AS shown_rate,
        concat(toString(donations), ' of ', toString(exposures)) AS counts,
        w.final AS final,
        w.watermark AS complete_up_to
    FROM current_conversions AS w
    INNER JOIN (SELECT id, exposure FROM campaigns FINAL) AS c ON c.id = w.campaign_id
)
COMMENT 'What is the conversion over each window, with its 95 % interval? Donations per exposure (clicks, unless the campaign says otherwise); shown_rate is null below 20 exposures.';
