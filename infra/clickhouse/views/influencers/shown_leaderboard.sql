-- What boards show of it; leaderboard has the rest.
CREATE OR REPLACE VIEW shown_leaderboard AS
SELECT
    if(rankable, row_number() OVER (ORDER BY rankable DESC, rank_score DESC, exposures DESC, influencer_id), NULL) AS position,
    influencer_id,
    donations,
    exposures,
    exposure,
    conversion,
    conversion_low,
    conversion_high,
    rank_score,
    rankable,
    multiIf(rankable, 'ranked', exposures_known, 'too early to rank', concat(things, ' are missing')) AS standing,
    exposures_known AND donations > 5 * expected + 3 * sqrt(5 * expected) + 2 AS suspicious,
    reach,
    gross,
    concat(toString(donations), ' of ', toString(exposures), ' ', things) AS counted
FROM
(
    SELECT
        influencer_id,
        donations,
        exposures,
        exposures_known,
        exposure,
        reach,
        gross,
        pooled * exposures AS expected,
        exposures_known AND donations >= 2 AS rankable,
        multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions')) AS things,
        conversion,
        conversion * pow(greatest(centre - 2.2414 * spread, 0.), 3) AS conversion_low,
        if(exposures_known, least(conversion * pow(centre + 2.2414 * spread, 3), 1.), NULL) AS conversion_high,
        conversion * pow(greatest(centre - 1.2816 * spread, 0.), 3) AS rank_score
    FROM
    (
        SELECT
            m.influencer_id AS influencer_id,
            m.donations AS donations,
            m.exposures AS exposures,
            m.reach AS reach,
            m.gross AS gross,
            exposure,
            pooled,
            m.donations <= m.exposures AS exposures_known,
            m.donations + prior_donations AS posterior_donations,
            if(exposures_known, posterior_donations / (m.exposures + prior_clicks), NULL) AS conversion,
            1 - 1 / (9 * posterior_donations) AS centre,
            1 / (3 * sqrt(posterior_donations)) AS spread
        FROM shown_conversion_priors(campaign = {campaign:String})
        ARRAY JOIN members AS m
    )
)
COMMENT 'Which influencer really moves people? As leaderboard, from results; shown_leaderboard(campaign = ...).';
