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
