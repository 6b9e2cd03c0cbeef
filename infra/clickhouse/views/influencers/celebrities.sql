-- The denominator is the estimated impressions alone: measured, sampled and estimated ones are never added.
CREATE OR REPLACE VIEW celebrities AS
SELECT
    accounts,
    impressions_measured,
    impressions_sampled,
    impressions_estimated,
    donations,
    donations_low,
    donations_high,
    donations / millions AS per_million,
    donations_low / millions AS per_million_low,
    donations_high / millions AS per_million_high
FROM
(
    SELECT
        count() AS accounts,
        sum(a.impressions_measured) AS impressions_measured,
        sum(a.impressions_sampled) AS impressions_sampled,
        sum(a.impressions_estimated) AS impressions_estimated,
        sum(a.donations) AS donations,
        gs_poisson_low(donations) AS donations_low,
        gs_poisson_high(donations) AS donations_high,
        nullIf(impressions_estimated, 0) / 1000000 AS millions
    FROM influencers(campaign = {campaign:String}) AS a
    WHERE a.reach > 100000
    HAVING accounts > 0
)
COMMENT 'What do accounts with more than 100,000 followers bring for a million estimated impressions? With the exact 95 % Poisson interval. celebrities(campaign = ...).';
