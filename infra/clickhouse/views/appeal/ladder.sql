CREATE OR REPLACE VIEW ladder AS
SELECT
    tupleElement(arrayJoin(gs_rungs(heights, counts, no_clicks)) AS rungs, 1) AS step,
    tupleElement(rungs, 2) AS rung,
    tupleElement(rungs, 3) AS referrals,
    tupleElement(rungs, 4) AS events,
    tupleElement(rungs, 5) AS part_of_rung_below
FROM
(
    SELECT h.heights AS heights, [g.shares, toUInt64(0), g.clicks, g.donations] AS counts,
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
                SELECT referral_id, 0, gs_height(k.seen, k.clicked, k.gave)
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
)
COMMENT 'How many links were shared, seen, clicked and brought a gift? The rungs shared, seen, clicked and gave; ladder(campaign = ...).';
