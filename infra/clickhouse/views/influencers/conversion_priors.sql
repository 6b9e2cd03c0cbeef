-- The prior that the leaderboard shrinks to: a beta distribution fitted to the appeal's own influencers.
--
-- d donations of n exposures each.  `mean` is pooled so that big accounts do not own it; the spread kappa is the maximum of
-- the posterior on a grid (log-normal prior: shape 2.8, spread 0.7), clamped to a shape of 0.1 to 10.  Outliers stay in the
-- fit: with them out, intervals of influencers who have a donation held 79 % of the time instead of 97 %.  Out are only
-- those with more donations than recorded exposures: their n is not known.
--
-- Each step is a SELECT of its own: an alias that is used twice is planned twice, and here one stands on another.
CREATE OR REPLACE VIEW conversion_priors AS
WITH
members_of AS
(
    SELECT
        f.influencer_id AS influencer_id,
        f.donations AS donations,
        f.clicks AS clicks,
        f.reach AS reach,
        f.gross AS gross,
        c.exposure AS exposure,
        c.prior_conversion AS prior_conversion,
        gs_exposures(c.exposure, f.impressions_measured, f.impressions_sampled, f.impressions_estimated, f.clicks) AS exposures
    FROM influencers(campaign = {campaign:String}) AS f
    CROSS JOIN (SELECT exposure, prior_conversion FROM campaigns FINAL WHERE id = {campaign:String}) AS c
),
gathered AS
(
    SELECT
        any(exposure) AS exposure,
        any(prior_conversion) AS prior_conversion,
        groupArray(CAST((influencer_id, donations, clicks, exposures, reach, gross), 'Tuple(influencer_id String, donations UInt64,
            clicks UInt64, exposures UInt64, reach UInt64, gross Decimal(38, 4))')) AS members,
        -- Sorted: a floating-point sum must not depend on the order in which rows are read.
        arraySort(groupArrayIf((toFloat64(donations), toFloat64(exposures)), donations <= exposures)) AS counts
    FROM members_of
    HAVING count() > 0
),
summed AS
(
    SELECT *, arraySum(m -> m.1, counts) AS donations, arraySum(m -> m.2, counts) AS exposures FROM gathered
),
expecting AS
(
    -- Before the first exposure the campaign's own prior; below one, so that the likelihood is finite.
    SELECT *, least(if(exposures > 0, greatest(donations, 0.5) / exposures, prior_conversion), 0.95) AS pooled FROM summed
),
tried AS
(
    SELECT
        *,
        -- For clicks the grid spans the shapes of 0.1 to 10; a rate far below theirs needs larger weights for the same.
        if(exposure = 'clicks', 1., greatest(0.018 / pooled, 1.)) AS rarer,
        arrayMap(i -> rarer * exp(log(20) + i * (log(200000) - log(20)) / 39), range(40)) AS grid
    FROM expecting
),
judged AS
(
    SELECT
        *,
        arrayMap(k ->
            arraySum(m ->
                lgamma(m.1 + k * pooled) - lgamma(k * pooled)
                + lgamma(m.2 - m.1 + k * (1 - pooled)) - lgamma(k * (1 - pooled))
                - lgamma(m.2 + k) + lgamma(k), counts)
            - 0.5 * pow(log(k * pooled / 2.8) / 0.7, 2), grid) AS likelihoods
    FROM tried
),
weighing AS
(
    SELECT *, grid[indexOf(likelihoods, arrayMax(likelihoods))] AS kappa_map,
        least(greatest(kappa_map * pooled, 0.1), 10.) / pooled AS kappa
    FROM judged
),
weighed AS
(
    SELECT
        *,
        arraySum(m -> m.1 * kappa / (m.2 + kappa), counts) AS weighted_donations,
        arraySum(m -> m.2 * kappa / (m.2 + kappa), counts) AS weighted_clicks
    FROM weighing
),
centred AS
(
    SELECT *, (weighted_donations + 1) / (weighted_clicks + 1 / pooled) AS mean FROM weighed
)
SELECT
    members,
    pooled,
    kappa,
    mean,
    1 / (1 / (kappa * pooled) + 1 / (weighted_clicks * mean + 1)) AS prior_donations,
    prior_donations / mean AS prior_clicks,
    toString(exposure) AS exposure
FROM centred
COMMENT 'What conversion does this appeal expect of an influencer before anything is known of them? conversion_priors(campaign = ...).';
