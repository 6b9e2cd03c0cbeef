-- The same figures for an appeal without clicks: its campaign file says which count donations are held against, and every
-- rate of it is donations per that.  Where a campaign says nothing it is clicks, and no figure is another one than before.

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

-- A set difference over people.  Both bounds: shares without a sharer may each hide a person who did not give,
-- gifts without a donor may each be by one of the sharers counted.
CREATE OR REPLACE VIEW sharers_not_donors AS
SELECT
    f.campaign_id AS campaign_id,
    -- Fewer acts of sharing than gifts: their difference counts nobody.
    if(f.shares > 0 AND f.shares >= f.donations_48h, toInt64(f.shares) - toInt64(f.donations_48h), NULL) AS naive,
    coalesce(p.sharers, 0) AS sharers,
    coalesce(p.never_gave, 0) AS never_gave,
    coalesce(p.not_within_48h, 0) AS not_within_48h,
    coalesce(u.unknown_sharers, 0) AS shares_without_sharer,
    coalesce(g.unknown_donors, 0) AS donations_without_donor,
    greatest(toInt64(coalesce(p.never_gave, 0)) - toInt64(coalesce(g.unknown_donors, 0)), 0) AS lowest,
    toInt64(coalesce(p.never_gave, 0)) + toInt64(coalesce(u.unknown_sharers, 0)) AS highest
FROM appeal_figures AS f
LEFT JOIN
(
    SELECT
        campaign_id,
        countIf(shared) AS sharers,
        countIf(shared AND NOT gave) AS never_gave,
        countIf(shared AND NOT gave_48h) AS not_within_48h
    FROM
    (
        SELECT campaign_id, person, max(is_sharer) AS shared, max(is_donor) AS gave, max(is_donor_48h) AS gave_48h
        FROM
        (
            SELECT campaign_id, sharer_id AS person, 1 AS is_sharer, 0 AS is_donor, 0 AS is_donor_48h
            FROM accepted_shares
            WHERE sharer_id IS NOT NULL
            UNION ALL
            SELECT campaign_id, donor_id, 0, 1, phase = 'appeal'
            FROM counted_donations
            WHERE kind = 'donation' AND donor_id IS NOT NULL
        )
        GROUP BY campaign_id, person
    )
    GROUP BY campaign_id
) AS p ON p.campaign_id = f.campaign_id
LEFT JOIN
(
    SELECT campaign_id, count() AS unknown_sharers FROM accepted_shares WHERE sharer_id IS NULL GROUP BY campaign_id
) AS u ON u.campaign_id = f.campaign_id
LEFT JOIN
(
    SELECT campaign_id, count() AS unknown_donors
    FROM counted_donations
    WHERE kind = 'donation' AND donor_id IS NULL
    GROUP BY campaign_id
) AS g ON g.campaign_id = f.campaign_id
COMMENT 'How many shared but did not give? naive = shares - donations_48h counts acts, and is null where there are more gifts than shares; never_gave counts people, not_within_48h those of them and those who gave later.';

-- How far did the links come?  A link that was clicked was seen, one that brought a gift was clicked: each rung holds
-- the links that came at least so far, so no rung is longer than the one below.  Where clicks are not counted at all,
-- nothing is said of them.
CREATE OR REPLACE VIEW share_to_gift_ladder AS
SELECT
    campaign_id,
    arrayJoin([influencer_id, '(all)']) AS influencer_id,
    tupleElement(arrayJoin([
        (1, 'shared'), (2, 'seen'), (3, 'clicked'), (4, 'gave')
    ]) AS pair, 1) AS step,
    tupleElement(pair, 2) AS rung,
    countIf(height >= step) AS referrals,
    -- Nobody knows how often a link was seen: measured, sampled and estimated impressions are never added.
    if(step = 2, NULL, sum(events[step])) AS events,
    if(step = 1, NULL, referrals / nullIf(countIf(height >= if(step = 4 AND no_clicks, 2, step - 1)), 0))
        AS part_of_rung_below
FROM
(
    SELECT
        r.campaign_id AS campaign_id,
        r.influencer_id AS influencer_id,
        c.exposure != 'clicks' AND sum(r.clicks) OVER (PARTITION BY r.campaign_id) = 0 AS no_clicks,
        multiIf(donations > 0, 4, clicks > 0, 3,
            impressions_measured > 0 OR impressions_sampled > 0 OR impressions_estimated > 0, 2, 1) AS height,
        [toUInt64(shares), toUInt64(0), toUInt64(clicks), toUInt64(donations)] AS events
    FROM referral_totals AS r
    INNER JOIN (SELECT id, exposure FROM campaigns FINAL) AS c ON c.id = r.campaign_id
    WHERE NOT startsWith(influencer_id, '(')
)
GROUP BY campaign_id, influencer_id, step, rung
HAVING NOT (step = 3 AND max(no_clicks))
COMMENT 'How many links were shared, seen, clicked and brought a gift? By influencer and for (all); events of seen are null, for bases are never added. An appeal that counts no clicks has no rung of them.';

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

CREATE OR REPLACE VIEW conversion_now AS
SELECT campaign_id, dimension, member, window, seconds, window_end AS up_to, counts, rate, rate_low, rate_high, shown_rate,
    exposure, concat(counts, ' ', multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions'))) AS counted
FROM newest_windows
UNION ALL
SELECT
    f.campaign_id,
    'campaign',
    f.campaign_id,
    'all',
    4294967295,
    k.complete_up_to,
    concat(toString(f.donations), ' of ', toString(f.exposures)) AS of_all,
    f.conversion,
    f.conversion_low,
    f.conversion_high,
    if(f.exposures >= 20, f.conversion, NULL),
    f.exposure AS exposure,
    concat(of_all, ' ', multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions')))
FROM appeal_figures AS f
INNER JOIN campaign_clock AS k ON k.campaign_id = f.campaign_id
WHERE k.heard = 1
COMMENT 'What is the conversion now, over each window and over all? Sorted by seconds, the smallest window first.';

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

CREATE OR REPLACE VIEW came_and_gave AS
SELECT
    campaign_id,
    dimension,
    member,
    window,
    window_end,
    tupleElement(arrayJoin([
        (multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions')), w.exposures),
        ('donations', w.donations)
    ]) AS pair, 1) AS line,
    tupleElement(pair, 2) AS happened
FROM conversion_windows AS w
COMMENT 'When did people come, and when did they give? Two lines over each window: exposures by their name, and donations.';
