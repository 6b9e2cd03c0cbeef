CREATE OR REPLACE VIEW influencers AS
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
COMMENT 'Who has shared, and what did each bring? reach is the largest audience; influencers(campaign = ...).';
