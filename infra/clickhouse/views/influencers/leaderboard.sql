-- conversion and interval: the posterior's mean and its Wilson-Hilferty quantiles (there is no inverse beta in
-- ClickHouse; 6 % off the lower end and 2 % off the upper for no donation of 40 clicks, less for more).  z = 2.2414
-- covers 95 % once the fitted prior's own uncertainty is counted.  rank_score is the lower 10 % end; below two donations
-- nobody is ranked.  With more donations than recorded exposures there is no conversion to speak of: null.
CREATE OR REPLACE VIEW leaderboard AS
SELECT
    campaign_id,
    if(rankable, row_number() OVER (
        PARTITION BY campaign_id ORDER BY rankable DESC, rank_score DESC, exposures DESC, influencer_id), NULL) AS position,
    m.influencer_id AS influencer_id,
    m.donations AS donations,
    m.clicks AS clicks,
    if(exposures_known, posterior_donations / posterior_clicks, NULL) AS conversion,
    conversion * pow(greatest(centre - 2.2414 * spread, 0.), 3) AS conversion_low,
    if(exposures_known, least(conversion * pow(centre + 2.2414 * spread, 3), 1.), NULL) AS conversion_high,
    conversion * pow(greatest(centre - 1.2816 * spread, 0.), 3) AS rank_score,
    exposures_known AND m.donations >= 2 AS rankable,
    multiIf(rankable, 'ranked', exposures_known, 'too early to rank', 
        concat(multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions')), ' are missing')) AS standing,
    exposures_known AND m.donations > 5 * pooled * m.exposures + 3 * sqrt(5 * pooled * m.exposures) + 2 AS suspicious,
    if(exposures_known AND exposures >= 20, donations / exposures, NULL) AS raw_conversion,
    m.reach AS reach,
    m.referrals AS referrals,
    m.shares AS shares,
    m.impressions_measured AS impressions_measured,
    m.impressions_sampled AS impressions_sampled,
    m.impressions_estimated AS impressions_estimated,
    m.donors AS donors,
    m.refunds AS refunds,
    m.gross AS gross,
    m.refunded AS refunded,
    m.fee AS fee,
    m.net AS net,
    posterior_donations,
    posterior_clicks,
    exposure,
    m.exposures AS exposures,
    concat(toString(donations), ' of ', toString(exposures), ' ', multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions'))) AS counted
FROM
(
    SELECT
        campaign_id,
        exposure,
        pooled,
        m,
        m.donations <= m.exposures AS exposures_known,
        m.donations + prior_donations AS posterior_donations,
        m.exposures + prior_clicks AS posterior_clicks,
        1 - 1 / (9 * posterior_donations) AS centre,
        1 / (3 * sqrt(posterior_donations)) AS spread
    FROM conversion_priors
    ARRAY JOIN members AS m
)
COMMENT 'Which influencer really moves people? By the conversion that they have at least (90 %), shrunken to the appeal; suspicious: check for test or self donations.';
