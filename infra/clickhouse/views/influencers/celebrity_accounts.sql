CREATE OR REPLACE VIEW celebrity_accounts AS
SELECT
    campaign_id,
    influencer_id,
    reach,
    impressions_measured,
    impressions_sampled,
    impressions_estimated,
    clicks,
    donations,
    gross
FROM influencer_totals
WHERE is_influencer AND reach > 100000
COMMENT 'Which influencers have more than 100,000 followers, and what did they bring?';
