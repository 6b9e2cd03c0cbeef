-- The same figures sooner.  A board asks of one campaign, and a view that is told which one reads that alone wherever it
-- reads, groups by one text in place of two, and is planned faster: half of what a panel took went by before a row was read.

-- Whose newest window is empty has nothing left to come: each of its chains is whole, so that of the others is asked.
CREATE OR REPLACE VIEW chain_ends AS
SELECT
    campaign_id,
    dimension,
    member,
    window,
    if(newest_full >= newest_of_one, newest_of_one,
        max(newest_of_one) OVER (PARTITION BY campaign_id, dimension, window)) AS chosen,
    toDateTime(intDiv(chosen, 4294967296), 'UTC') AS chain_end,
    toUInt32(chosen % 4294967296) AS link
FROM
(
    SELECT campaign_id, dimension, member, window, max(n.newest) AS newest_of_one, max(n.newest_full) AS newest_full
    FROM newest_chained AS n
    WHERE (campaign_id, window) IN (SELECT campaign_id, longest_window FROM chains)
    GROUP BY campaign_id, dimension, member, window
)
COMMENT 'Which windows of an entity add up to all that happened to it? Those of its `link` that end by chain_end.';

-- Chains that somebody ended with once are read too, until rows are merged: what they hold meets no end and is left out.
CREATE OR REPLACE VIEW influencer_sums AS
SELECT
    w.member AS influencer_id,
    sum(w.shares) AS shares,
    sum(w.impressions_measured) AS impressions_measured,
    sum(w.impressions_sampled) AS impressions_sampled,
    sum(w.impressions_estimated) AS impressions_estimated,
    sum(w.clicks) AS clicks,
    sum(w.donations) AS donations,
    sum(w.refunds) AS refunds,
    sum(w.gross) AS gross,
    sum(w.refunded) AS refunded,
    sum(w.fee) AS fee,
    sum(w.net) AS net
FROM
(
    SELECT * FROM chained_windows FINAL
    WHERE campaign_id = {campaign:String} AND dimension = 'influencer' AND link IN
    (
        SELECT DISTINCT newest % 4294967296
        FROM newest_chained
        WHERE campaign_id = {campaign:String} AND dimension = 'influencer'
    )
) AS w
INNER JOIN (SELECT * FROM chain_ends WHERE campaign_id = {campaign:String} AND dimension = 'influencer') AS e
    ON e.member = w.member AND e.link = w.link AND e.window = w.window
WHERE w.window_end <= e.chain_end
GROUP BY w.member
COMMENT 'What came of each influencer so far? (direct) and (unattributed) are rows too. Summed from windows of conversion; influencer_sums(campaign = ...).';

CREATE OR REPLACE VIEW shown_influencers AS
SELECT
    s.influencer_id AS influencer_id,
    coalesce(l.most, 0) AS reach,
    if(coalesce(l.number, 0) = 0, NULL, l.earliest) AS first_share_at,
    coalesce(l.number, 0) AS referrals,
    s.shares AS shares,
    s.impressions_measured AS impressions_measured,
    s.impressions_sampled AS impressions_sampled,
    s.impressions_estimated AS impressions_estimated,
    s.clicks AS clicks,
    s.donations AS donations,
    s.refunds AS refunds,
    s.gross AS gross,
    s.refunded AS refunded,
    s.fee AS fee,
    s.net AS net
FROM (SELECT * FROM influencer_sums(campaign = {campaign:String}) WHERE NOT startsWith(influencer_id, '(')) AS s
LEFT JOIN
(
    SELECT influencer_id, max(reach) AS most, min(first_share_at) AS earliest, count() AS number
    FROM owners
    WHERE campaign_id = {campaign:String}
    GROUP BY influencer_id
) AS l ON l.influencer_id = s.influencer_id
COMMENT 'Who has shared, and what did each bring? influencer_totals without donors, from results; shown_influencers(campaign = ...).';

-- The laws of celebrities, conversion_priors and leaderboard, of one campaign.  Each step of the prior is a SELECT of its
-- own: an alias that is used twice is planned twice, and here one stands on another.
CREATE OR REPLACE VIEW shown_celebrities AS
SELECT * EXCEPT (d, beyond, exact_low, exact_high, millions)
FROM
(
    SELECT
        accounts,
        impressions_measured,
        impressions_sampled,
        impressions_estimated,
        donations,
        least(donations, 1000) AS d,
        toFloat64(d) + 10 + 5 * sqrt(d) AS beyond,
        arrayFold((range_of, i) ->
            if(arraySum(k -> exp(k * log((range_of.1 + range_of.2) / 2) - (range_of.1 + range_of.2) / 2 - lgamma(k + 1)),
                    range(toUInt32(greatest(d, 1)))) > 0.975,
                ((range_of.1 + range_of.2) / 2, range_of.2),
                (range_of.1, (range_of.1 + range_of.2) / 2)),
            range(60), (toFloat64(0), beyond)).1 AS exact_low,
        arrayFold((range_of, i) ->
            if(arraySum(k -> exp(k * log((range_of.1 + range_of.2) / 2) - (range_of.1 + range_of.2) / 2 - lgamma(k + 1)),
                    range(toUInt32(d + 1))) > 0.025,
                ((range_of.1 + range_of.2) / 2, range_of.2),
                (range_of.1, (range_of.1 + range_of.2) / 2)),
            range(60), (toFloat64(0), beyond)).1 AS exact_high,
        multiIf(donations = 0, 0., donations <= 1000, exact_low,
            donations * pow(1 - 1 / (9 * donations) - 1.959964 / (3 * sqrt(donations)), 3)) AS donations_low,
        if(donations <= 1000, exact_high,
            (donations + 1) * pow(1 - 1 / (9 * (donations + 1)) + 1.959964 / (3 * sqrt(donations + 1)), 3)) AS donations_high,
        nullIf(impressions_estimated, 0) / 1000000 AS millions,
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
            sum(a.donations) AS donations
        FROM shown_influencers(campaign = {campaign:String}) AS a
        WHERE a.reach > 100000
        HAVING accounts > 0
    )
)
COMMENT 'What do celebrities bring for a million estimated impressions? As celebrities, from results; shown_celebrities(campaign = ...).';

CREATE OR REPLACE VIEW shown_conversion_priors AS
WITH
influencers AS
(
    SELECT
        f.influencer_id AS influencer_id,
        f.donations AS donations,
        f.reach AS reach,
        f.gross AS gross,
        c.exposure AS exposure,
        c.prior_conversion AS prior_conversion,
        multiIf(c.exposure = 'impressions_measured', f.impressions_measured,
            c.exposure = 'impressions_sampled', f.impressions_sampled,
            c.exposure = 'impressions_estimated', f.impressions_estimated, f.clicks) AS exposures
    FROM shown_influencers(campaign = {campaign:String}) AS f
    CROSS JOIN (SELECT exposure, prior_conversion FROM campaigns FINAL WHERE id = {campaign:String}) AS c
),
gathered AS
(
    SELECT
        any(exposure) AS exposure,
        any(prior_conversion) AS prior_conversion,
        groupArray(CAST((influencer_id, donations, exposures, reach, gross), 'Tuple(influencer_id String, donations UInt64,
            exposures UInt64, reach UInt64, gross Decimal(38, 4))')) AS members,
        -- Sorted: a floating-point sum must not depend on the order in which rows are read.
        arraySort(groupArrayIf((toFloat64(donations), toFloat64(exposures)), donations <= exposures)) AS counts
    FROM influencers
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
COMMENT 'What conversion does this appeal expect of an influencer before anything is known of them? As conversion_priors, from results; shown_conversion_priors(campaign = ...).';

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

-- How far did the links come?  A link that was clicked was seen, one that brought a gift was clicked: each rung holds
-- the links that came at least so far, so no rung is longer than the one below.  Where clicks are not counted at all,
-- nothing is said of them.
CREATE OR REPLACE VIEW shown_ladder AS
SELECT
    tupleElement(pair, 1) AS step,
    tupleElement(pair, 2) AS rung,
    heights[step] AS referrals,
    -- Nobody knows how often a link was seen: measured, sampled and estimated impressions are never added.
    if(step = 2, NULL, events[step]) AS events,
    if(step = 1, NULL, referrals / nullIf(heights[if(step = 4 AND no_clicks, 2, step - 1)], 0)) AS part_of_rung_below
FROM
(
    SELECT h.heights AS heights, [g.shares, toUInt64(0), g.clicks, g.donations] AS events,
        c.exposure != 'clicks' AND g.clicks = 0 AS no_clicks
    FROM
    (
        SELECT [count(), countIf(height >= 2), countIf(height >= 3), countIf(height >= 4)] AS heights
        FROM
        (
            SELECT referral_id, max(o.claimed) AS claimed, max(o.height) AS height
            FROM
            (
                SELECT referral_id, 1 AS claimed, 1 AS height FROM claims WHERE campaign_id = {campaign:String}
                UNION ALL
                SELECT referral_id, 0, multiIf(k.gave = 1, 4, k.clicked = 1, 3, k.seen = 1, 2, 1)
                FROM links AS k
                WHERE campaign_id = {campaign:String}
            ) AS o
            GROUP BY referral_id
        )
        WHERE claimed = 1
    ) AS h
    CROSS JOIN
    (
        SELECT sum(s.shares) AS shares, sum(s.clicks) AS clicks, sum(s.donations) AS donations
        FROM group_sums AS s
        WHERE campaign_id = {campaign:String} AND dimension = 'tie' AND NOT startsWith(member, '(')
    ) AS g
    CROSS JOIN (SELECT exposure FROM campaigns FINAL WHERE id = {campaign:String}) AS c
    WHERE h.heights[1] > 0 OR g.shares > 0
) AS r
ARRAY JOIN [(1, 'shared'), (2, 'seen'), (3, 'clicked'), (4, 'gave')] AS pair
WHERE NOT (step = 3 AND no_clicks)
COMMENT 'How many links were shared, seen, clicked and brought a gift? shown_ladder(campaign = ...); as share_to_gift_ladder.';

CREATE OR REPLACE VIEW shown_influencer_ladder AS
SELECT
    tupleElement(pair, 1) AS step,
    tupleElement(pair, 2) AS rung,
    heights[step] AS referrals,
    if(step = 2, NULL, events[step]) AS events,
    if(step = 1, NULL, referrals / nullIf(heights[if(step = 4 AND no_clicks, 2, step - 1)], 0)) AS part_of_rung_below
FROM
(
    SELECT h.heights AS heights, [w.shares, toUInt64(0), w.clicks, w.donations] AS events,
        c.exposure != 'clicks' AND g.clicks = 0 AS no_clicks
    FROM
    (
        SELECT [count(), countIf(height >= 2), countIf(height >= 3), countIf(height >= 4)] AS heights
        FROM
        (
            SELECT referral_id, max(o.owned) AS owned, max(o.height) AS height
            FROM
            (
                SELECT referral_id, 1 AS owned, 1 AS height
                FROM links_of(campaign = {campaign:String}, influencer = {influencer:String})
                UNION ALL
                SELECT referral_id, 0, multiIf(k.gave = 1, 4, k.clicked = 1, 3, k.seen = 1, 2, 1)
                FROM links AS k
                WHERE campaign_id = {campaign:String} AND referral_id IN
                    (SELECT referral_id FROM claims WHERE campaign_id = {campaign:String} AND influencer_id = {influencer:String})
            ) AS o
            GROUP BY referral_id
        )
        WHERE owned = 1
    ) AS h
    CROSS JOIN
    (
        SELECT sum(v.shares) AS shares, sum(v.clicks) AS clicks, sum(v.donations) AS donations
        FROM influencer_sums(campaign = {campaign:String}) AS v
        WHERE influencer_id = {influencer:String}
    ) AS w
    CROSS JOIN
    (
        SELECT sum(s.clicks) AS clicks
        FROM group_sums AS s
        WHERE campaign_id = {campaign:String} AND dimension = 'tie' AND NOT startsWith(member, '(')
    ) AS g
    CROSS JOIN (SELECT exposure FROM campaigns FINAL WHERE id = {campaign:String}) AS c
    WHERE h.heights[1] > 0 OR w.shares > 0
) AS r
ARRAY JOIN [(1, 'shared'), (2, 'seen'), (3, 'clicked'), (4, 'gave')] AS pair
WHERE NOT (step = 3 AND no_clicks)
COMMENT 'How far did one influencer''s links come? shown_influencer_ladder(campaign = ..., influencer = ...); as share_to_gift_ladder.';

-- A scalar is asked once, however often it is used: the best links, then their clicks.
CREATE OR REPLACE VIEW shown_referrals AS
WITH
(
    SELECT groupArray((referral_id, channel, owner_tie, first_share_at, reach, donations, gross))
    FROM
    (
        SELECT l.referral_id AS referral_id, toString(l.channel) AS channel, toString(l.owner_tie) AS owner_tie,
            l.first_share_at AS first_share_at, l.reach AS reach, coalesce(m.number, 0) AS donations,
            coalesce(m.brought, toDecimal128(0, 4)) AS gross
        FROM links_of(campaign = {campaign:String}, influencer = {influencer:String}) AS l
        LEFT JOIN
        (
            SELECT referral_id, countIf(kind = 'donation') AS number,
                sumIf(amount, kind = 'donation' AND currency IN
                    (SELECT toString(currency) FROM campaigns FINAL WHERE id = {campaign:String})) AS brought
            FROM
            (
                SELECT referral_id, kind, amount, toString(currency) AS currency
                FROM donations
                WHERE campaign_id = {campaign:String} AND referral_id IN
                    (SELECT referral_id FROM claims WHERE campaign_id = {campaign:String} AND influencer_id = {influencer:String})
                ORDER BY referral_id, occurred_at, event_id, source_offset
                LIMIT 1 BY referral_id, occurred_at, event_id
            )
            GROUP BY referral_id
        ) AS m ON m.referral_id = l.referral_id
        ORDER BY gross DESC, donations DESC, reach DESC, referral_id
        LIMIT 200
    )
) AS picked
SELECT
    tupleElement(p.link, 1) AS referral_id,
    tupleElement(p.link, 2) AS channel,
    tupleElement(p.link, 3) AS owner_tie,
    tupleElement(p.link, 4) AS first_share_at,
    tupleElement(p.link, 5) AS reach,
    coalesce(c.number, 0) AS clicks,
    tupleElement(p.link, 6) AS donations,
    tupleElement(p.link, 7) AS gross
FROM (SELECT arrayJoin(picked) AS link, tupleElement(link, 1) AS id) AS p
LEFT JOIN
(
    SELECT referral_id, uniqExact(occurred_at, event_id) AS number
    FROM clicks
    WHERE campaign_id = {campaign:String} AND referral_id IN (SELECT tupleElement(arrayJoin(picked), 1))
    GROUP BY referral_id
) AS c ON c.referral_id = p.id
COMMENT 'What did each of an influencer''s 200 best links bring? As referral_totals; shown_referrals(campaign = ..., influencer = ...).';

CREATE OR REPLACE VIEW shown_donor_ties AS
SELECT tie, count() AS donors
FROM
(
    SELECT donor, argMax(g.tie, g.newest + if(g.tie = 'unknown', toUInt256(0), bitShiftLeft(toUInt256(1), 250))) AS tie
    FROM givers AS g
    WHERE campaign_id = {campaign:String} AND (start, end) IN
        (SELECT start, end FROM campaigns FINAL WHERE id = {campaign:String})
    GROUP BY donor
)
GROUP BY tie
COMMENT 'Are the donors of the 48 hours strong or weak ties? As donor_ties, from sets; shown_donor_ties(campaign = ...).';

-- Refused claims are a scalar here, for they are few and finding them reads every claim.
CREATE OR REPLACE VIEW refused_sharers AS
WITH (SELECT groupArray((referral_id, influencer_id)) FROM refused_claims(campaign = {campaign:String})) AS refused
SELECT assumeNotNull(sharer_id) AS person, max((referral_id, influencer_id) NOT IN
    (SELECT tupleElement(r, 1), tupleElement(r, 2) FROM (SELECT arrayJoin(refused) AS r))) AS accepted_too
FROM shares
WHERE campaign_id = {campaign:String} AND sharer_id IN
(
    SELECT sharer_id
    FROM shares
    WHERE campaign_id = {campaign:String} AND sharer_id IS NOT NULL AND (referral_id, influencer_id) IN
        (SELECT tupleElement(r, 1), tupleElement(r, 2) FROM (SELECT arrayJoin(refused) AS r))
)
GROUP BY person
COMMENT 'Who shared a link that is somebody else''s, and did any share of theirs count? refused_sharers(campaign = ...).';

CREATE OR REPLACE VIEW shown_sharers_not_donors AS
WITH (SELECT groupArray((referral_id, influencer_id)) FROM refused_claims(campaign = {campaign:String})) AS refused
SELECT
    -- Fewer acts of sharing than gifts: their difference counts nobody.
    if(s.shares > 0 AND s.shares >= a.donations_48h, toInt64(s.shares) - toInt64(a.donations_48h), NULL) AS naive,
    p.never_gave AS never_gave,
    greatest(toInt64(p.never_gave) - toInt64(n.gifts), 0) AS lowest,
    toInt64(p.never_gave) + toInt64(n.shares) AS highest
FROM
(
    SELECT donations_48h FROM shown_phases WHERE campaign_id = {campaign:String}
) AS a
CROSS JOIN
(
    SELECT sum(g.shares) AS shares FROM group_sums AS g WHERE campaign_id = {campaign:String} AND dimension = 'campaign'
) AS s
CROSS JOIN
(
    SELECT count() AS never_gave
    FROM people FINAL
    WHERE campaign_id = {campaign:String} AND shared = 1 AND gave = 0 AND person NOT IN
        (SELECT person FROM refused_sharers(campaign = {campaign:String}) WHERE NOT accepted_too)
) AS p
CROSS JOIN
(
    SELECT countIf(topic = 'shares') AS shares, countIf(topic = 'donations') AS gifts
    FROM nameless FINAL
    WHERE campaign_id = {campaign:String} AND (referral_id, influencer_id) NOT IN
        (SELECT tupleElement(r, 1), tupleElement(r, 2) FROM (SELECT arrayJoin(refused) AS r))
) AS n
COMMENT 'How many shared but did not give? As sharers_not_donors, people from sets; shown_sharers_not_donors(campaign = ...).';
