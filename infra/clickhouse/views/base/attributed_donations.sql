CREATE OR REPLACE VIEW attributed_donations AS
SELECT
    d.*,
    multiIf(d.referral_id = '', '(direct)', coalesce(nullIf(r.influencer_id, ''), '(unattributed)')) AS influencer_id,
    multiIf(d.referral_id = '', '(direct)', coalesce(nullIf(r.channel, ''), '(unattributed)')) AS channel,
    multiIf(d.referral_id = '', '(direct)', coalesce(nullIf(r.tie, ''), '(unattributed)')) AS owner_tie,
    if(coalesce(r.influencer_id, '') = '', NULL, r.shared_at) AS shared_at
FROM counted_donations AS d
LEFT JOIN referrals AS r ON r.campaign_id = d.campaign_id AND r.referral_id = d.referral_id
COMMENT 'Who moved this gift? (direct) without a referral, (unattributed) without its share.';
