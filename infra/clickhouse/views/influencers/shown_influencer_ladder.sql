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
