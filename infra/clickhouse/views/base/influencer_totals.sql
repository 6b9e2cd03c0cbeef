CREATE OR REPLACE VIEW influencer_totals AS
SELECT
    campaign_id,
    influencer_id,
    NOT startsWith(influencer_id, '(') AS is_influencer,
    max(r.reach) AS reach,
    min(r.first_share_at) AS first_share_at,
    count() AS referrals,
    sum(r.shares) AS shares,
    sum(r.impressions_measured) AS impressions_measured,
    sum(r.impressions_sampled) AS impressions_sampled,
    sum(r.impressions_estimated) AS impressions_estimated,
    sum(r.clicks) AS clicks,
    sum(r.donations) AS donations,
    uniqExactArray(r.donor_ids) AS donors,
    sum(r.refunds) AS refunds,
    sum(r.gross) AS gross,
    sum(r.refunded) AS refunded,
    sum(r.fee) AS fee,
    sum(r.net) AS net
FROM referral_totals AS r
GROUP BY campaign_id, influencer_id
COMMENT 'What did each influencer bring? (direct) and (unattributed) are rows too, so columns add up; reach is the largest audience.';
