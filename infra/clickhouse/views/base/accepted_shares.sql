CREATE OR REPLACE VIEW accepted_shares AS
SELECT
    campaign_id,
    referral_id,
    occurred_at,
    event_id,
    influencer_id,
    toString(s.channel) AS channel,
    toString(s.kind) AS kind,
    s.audience AS audience,
    toString(s.tie) AS tie,
    s.parent_referral_id AS parent_referral_id,
    s.sharer_id AS sharer_id,
    record_time,
    late
FROM shares AS s FINAL
INNER JOIN (SELECT campaign_id, referral_id, influencer_id FROM referrals) AS owner
    USING (campaign_id, referral_id, influencer_id)
COMMENT 'Which shares count? Those by the owner of their referral; a share that claims it for somebody else does not.';
