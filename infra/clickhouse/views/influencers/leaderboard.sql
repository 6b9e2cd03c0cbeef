-- conversion and interval: the posterior's mean and its Wilson-Hilferty quantiles (there is no inverse beta in
-- ClickHouse; 6 % off the lower end and 2 % off the upper for no donation of 40 clicks, less for more).  z = 2.2414
-- covers 95 % once the fitted prior's own uncertainty is counted.  rank_score is the lower 10 % end; below two donations
-- nobody is ranked.  With more donations than recorded exposures there is no conversion to speak of: null.
CREATE OR REPLACE VIEW leaderboard AS
SELECT
    if(rankable, row_number() OVER (ORDER BY rankable DESC, rank_score DESC, exposures DESC, influencer_id), NULL) AS position,
    influencer_id,
    donations,
    clicks,
    exposures,
    exposure,
    conversion,
    conversion_low,
    conversion_high,
    rank_score,
    rankable,
    multiIf(rankable, 'ranked', exposures_known, 'too early to rank', concat(gs_exposure_in_words(exposure), ' are missing')) AS standing,
    exposures_known AND donations > 5 * expected + 3 * sqrt(5 * expected) + 2 AS suspicious,
    if(exposures_known AND exposures >= 20, donations / exposures, NULL) AS raw_conversion,
    reach,
    gross,
    posterior_donations,
    posterior_clicks,
    gs_counted(donations, exposures, exposure) AS counted
FROM
(
    SELECT
        influencer_id,
        donations,
        clicks,
        exposures,
        exposures_known,
        exposure,
        reach,
        gross,
        posterior_donations,
        posterior_clicks,
        pooled * exposures AS expected,
        exposures_known AND donations >= 2 AS rankable,
        conversion,
        conversion * gs_gamma_quantile(posterior_donations, -2.2414) AS conversion_low,
        if(exposures_known, least(conversion * gs_gamma_quantile(posterior_donations, 2.2414), 1.), NULL) AS conversion_high,
        conversion * gs_gamma_quantile(posterior_donations, -1.2816) AS rank_score
    FROM
    (
        SELECT
            m.influencer_id AS influencer_id,
            m.donations AS donations,
            m.clicks AS clicks,
            m.exposures AS exposures,
            m.reach AS reach,
            m.gross AS gross,
            exposure,
            pooled,
            m.donations <= m.exposures AS exposures_known,
            m.donations + prior_donations AS posterior_donations,
            m.exposures + prior_clicks AS posterior_clicks,
            if(exposures_known, posterior_donations / posterior_clicks, NULL) AS conversion
        FROM conversion_priors(campaign = {campaign:String})
        ARRAY JOIN members AS m
    )
)
COMMENT 'Which influencer really moves people? By the conversion that they have at least (90 %), shrunken to the appeal; suspicious: check for test or self donations. leaderboard(campaign = ...).';
