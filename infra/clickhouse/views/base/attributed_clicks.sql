CREATE OR REPLACE VIEW attributed_clicks AS
SELECT
    c.campaign_id AS campaign_id,
    c.referral_id AS referral_id,
    c.occurred_at AS occurred_at,
    c.event_id AS event_id,
    coalesce(nullIf(r.influencer_id, ''), '(unattributed)') AS influencer_id,
    coalesce(nullIf(r.channel, ''), '(unattributed)') AS channel,
    coalesce(nullIf(r.tie, ''), '(unattributed)') AS owner_tie,
    c.visitor_id AS visitor_id,
    c.record_time AS record_time,
    c.late AS late
FROM clicks AS c FINAL
LEFT JOIN referrals AS r ON r.campaign_id = c.campaign_id AND r.referral_id = c.referral_id
COMMENT 'Who brought this click? The owner of its referral, or (unattributed) while no share of it is known.';
