CREATE OR REPLACE VIEW appeal_figures AS
SELECT * EXCEPT (z2, middle, half)
FROM
(
    SELECT
        c.id AS campaign_id,
        c.title AS title,
        c.start AS start,
        c.end AS end,
        toString(c.currency) AS currency,
        c.goal AS goal,
        coalesce(t.shares, 0) AS shares,
        coalesce(t.clicks, 0) AS clicks,
        coalesce(t.impressions_measured, 0) AS impressions_measured,
        coalesce(t.impressions_sampled, 0) AS impressions_sampled,
        coalesce(t.impressions_estimated, 0) AS impressions_estimated,
        coalesce(d.donations, 0) AS donations,
        coalesce(d.donations_48h, 0) AS donations_48h,
        coalesce(d.donations_late, 0) AS donations_late,
        coalesce(d.donors, 0) AS donors,
        coalesce(d.donors_48h, 0) AS donors_48h,
        coalesce(d.donations_48h_without_donor, 0) AS donations_48h_without_donor,
        coalesce(d.donations_in_other_currencies, 0) AS donations_in_other_currencies,
        coalesce(d.refunds, 0) AS refunds,
        coalesce(d.gross_early, toDecimal128(0, 4)) AS gross_early,
        coalesce(d.gross_48h, toDecimal128(0, 4)) AS gross_48h,
        coalesce(d.gross_late, toDecimal128(0, 4)) AS gross_late,
        coalesce(d.gross_total, toDecimal128(0, 4)) AS gross_total,
        coalesce(d.refunded, toDecimal128(0, 4)) AS refunded,
        coalesce(d.fee, toDecimal128(0, 4)) AS fee,
        gross_total - refunded - fee AS net,
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
    LEFT JOIN
    (
        SELECT
            campaign_id,
            sum(r.shares) AS shares,
            sum(r.clicks) AS clicks,
            sum(r.impressions_measured) AS impressions_measured,
            sum(r.impressions_sampled) AS impressions_sampled,
            sum(r.impressions_estimated) AS impressions_estimated
        FROM referral_totals AS r
        GROUP BY campaign_id
    ) AS t ON t.campaign_id = c.id
    LEFT JOIN
    (
        SELECT
            campaign_id,
            countIf(kind = 'donation') AS donations,
            countIf(kind = 'donation' AND phase = 'appeal') AS donations_48h,
            countIf(kind = 'donation' AND phase = 'tail') AS donations_late,
            uniqExactIf(donor_id, kind = 'donation') AS donors,
            uniqExactIf(donor_id, kind = 'donation' AND phase = 'appeal') AS donors_48h,
            countIf(kind = 'donation' AND phase = 'appeal' AND donor_id IS NULL) AS donations_48h_without_donor,
            countIf(kind = 'donation' AND NOT in_campaign_currency) AS donations_in_other_currencies,
            countIf(kind = 'refund') AS refunds,
            sumIf(a.gross, phase = 'before') AS gross_early,
            sumIf(a.gross, phase = 'appeal') AS gross_48h,
            sumIf(a.gross, phase = 'tail') AS gross_late,
            sum(a.gross) AS gross_total,
            sum(a.refunded) AS refunded,
            sum(a.fee_paid) AS fee
        FROM counted_donations AS a
        GROUP BY campaign_id
    ) AS d ON d.campaign_id = c.id
)
COMMENT 'How does the appeal stand? One row a campaign; 48h is [start, end) of its file, late is the tail after it; conversion is donations per exposure, clicks unless the campaign says otherwise.';
