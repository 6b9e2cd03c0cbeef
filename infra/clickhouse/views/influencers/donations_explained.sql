CREATE OR REPLACE VIEW donations_explained AS
SELECT
    d.campaign_id AS campaign_id,
    d.influencer_id AS influencer_id,
    d.occurred_at AS occurred_at,
    d.event_id AS event_id,
    d.donation_id AS donation_id,
    d.kind AS kind,
    d.amount AS amount,
    d.currency AS currency,
    d.referral_id AS referral_id,
    d.channel AS channel,
    d.owner_tie AS owner_tie,
    d.tie AS tie,
    d.phase AS phase,
    d.shared_at AS shared_at,
    dateDiff('second', d.shared_at, d.occurred_at) / 60 AS minutes_since_share,
    d.late AS late
FROM attributed_donations AS d
COMMENT 'Why is each gift whose it is? Its link, channel and ties, and how long after the share it came.';
