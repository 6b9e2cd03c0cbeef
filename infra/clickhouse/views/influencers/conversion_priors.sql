-- The prior that the leaderboard shrinks to: a beta distribution fitted to the appeal's own influencers.
--
-- d donations of n exposures each (columns say clicks, which they are unless the campaign says otherwise).  `mean` is
-- pooled so that big accounts do not own it; the spread kappa is the maximum of the posterior on a grid (log-normal
-- prior: shape 2.8, spread 0.7), clamped to a shape of 0.1 to 10.  Outliers stay in the fit: with them out, intervals of
-- influencers who have a donation held 79 % of the time instead of 97 %.
-- Out are only those with more donations than recorded exposures: their n is not known.
CREATE OR REPLACE VIEW conversion_priors AS
SELECT
    campaign_id,
    members,
    pooled,
    least(greatest(kappa_map * pooled, 0.1), 10.) / pooled AS kappa,
    arraySum(m -> m.1 * kappa / (m.2 + kappa), counts) AS weighted_donations,
    arraySum(m -> m.2 * kappa / (m.2 + kappa), counts) AS weighted_clicks,
    (weighted_donations + 1) / (weighted_clicks + 1 / pooled) AS mean,
    1 / (1 / (kappa * pooled) + 1 / (weighted_clicks * mean + 1)) AS prior_donations,
    prior_donations / mean AS prior_clicks,
    toString(exposure) AS exposure
FROM
(
    SELECT
        campaign_id,
        exposure,
        members,
        -- Sorted: a floating-point sum must not depend on the order in which rows are read.
        arraySort(arrayMap(m -> (toFloat64(m.donations), toFloat64(m.exposures)),
            arrayFilter(m -> m.donations <= m.exposures, members))) AS counts,
        arraySum(m -> m.1, counts) AS donations,
        arraySum(m -> m.2, counts) AS exposures,
        -- Before the first exposure the campaign's own prior; below one, so that the likelihood is finite.
        least(if(exposures > 0, greatest(donations, 0.5) / exposures, prior_conversion), 0.95) AS pooled,
        -- For clicks the grid spans the shapes of 0.1 to 10; a rate far below theirs needs larger weights for the same.
        if(exposure = 'clicks', 1., greatest(0.018 / pooled, 1.)) AS rarer,
        arrayMap(i -> rarer * exp(log(20) + i * (log(200000) - log(20)) / 39), range(40)) AS grid,
        arrayMap(k ->
            arraySum(m ->
                lgamma(m.1 + k * pooled) - lgamma(k * pooled)
                + lgamma(m.2 - m.1 + k * (1 - pooled)) - lgamma(k * (1 - pooled))
                - lgamma(m.2 + k) + lgamma(k), counts)
            - 0.5 * pow(log(k * pooled / 2.8) / 0.7, 2), grid) AS likelihoods,
        grid[indexOf(likelihoods, arrayMax(likelihoods))] AS kappa_map
    FROM
    (
        SELECT
            c.id AS campaign_id,
            any(c.prior_conversion) AS prior_conversion,
            any(c.exposure) AS exposure,
            arraySort(groupArray(CAST(
                (t.influencer_id, t.donations, t.clicks, t.reach, t.referrals, t.shares, t.impressions_measured,
                 t.impressions_sampled, t.impressions_estimated, t.donors, t.refunds, t.gross, t.refunded, t.fee, t.net,
                 multiIf(c.exposure = 'impressions_measured', t.impressions_measured,
                    c.exposure = 'impressions_sampled', t.impressions_sampled,
                    c.exposure = 'impressions_estimated', t.impressions_estimated, t.clicks)),
                'Tuple(influencer_id String, donations UInt64, clicks UInt64, reach UInt64, referrals UInt64,
                 shares UInt64, impressions_measured UInt64, impressions_sampled UInt64, impressions_estimated UInt64,
                 donors UInt64, refunds UInt64, gross Decimal(38, 4), refunded Decimal(38, 4), fee Decimal(38, 4),
                 net Decimal(38, 4),
                 exposures UInt64)'))) AS members
        FROM (SELECT id, prior_conversion, exposure FROM campaigns FINAL) AS c
        INNER JOIN (SELECT * FROM influencer_totals WHERE is_influencer) AS t ON t.campaign_id = c.id
        GROUP BY c.id
    )
)
COMMENT 'What conversion does this appeal expect of an influencer before anything is known of them?';
