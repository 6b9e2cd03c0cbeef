CREATE OR REPLACE VIEW attributed_impressions AS
SELECT
    i.campaign_id AS campaign_id,
    i.referral_id AS referral_id,
    i.occurred_at AS occurred_at,
    i.event_id AS event_id,
    coalesce(nullIf(r.influencer_id, ''), '(unattributed)') AS influencer_id,
    coalesce(nullIf(r.channel, ''), '(unattributed)') AS channel,
    coalesce(nullIf(r.tie, ''), '(unattributed)') AS owner_tie,
    toString(i.basis) AS basis,
    i.count AS count,
    i.record_time AS record_time,
    i.late AS late
FROM impressions AS i FINAL
LEFT JOIN referrals AS r ON r.campaign_id = i.campaign_id AND r.referral_id = i.referral_id
COMMENT 'Whose link was seen, how often, and how is that known? Never add counts of different basis.';
