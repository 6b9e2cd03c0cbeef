CREATE OR REPLACE VIEW influencer_ladder AS
SELECT
    tupleElement(arrayJoin(gs_rungs(heights, counts, no_clicks)) AS rungs, 1) AS step,
    tupleElement(rungs, 2) AS rung,
    tupleElement(rungs, 3) AS referrals,
    tupleElement(rungs, 4) AS events,
    tupleElement(rungs, 5) AS part_of_rung_below
FROM
(
    SELECT h.heights AS heights, [w.shares, toUInt64(0), w.clicks, w.donations] AS counts,
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
                SELECT referral_id, 0, gs_height(k.seen, k.clicked, k.gave)
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
)
COMMENT 'How far did one influencer''s links come? influencer_ladder(campaign = ..., influencer = ...).';
