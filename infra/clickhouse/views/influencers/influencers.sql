CREATE OR REPLACE VIEW influencers AS
SELECT
    campaign_id,
    influencer_id,
    reach,
    first_share_at,
    referrals,
    shares,
    clicks,
    donations
FROM influencer_totals
WHERE is_influencer
COMMENT 'Who has shared in each appeal? For choosing one.';
