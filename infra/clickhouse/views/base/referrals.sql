-- A tuple inside argMin, because argMin skips rows whose argument is null.
CREATE OR REPLACE VIEW referrals AS
SELECT
    campaign_id,
    referral_id,
    tupleElement(first, 1) AS influencer_id,
    tupleElement(first, 2) AS channel,
    tupleElement(first, 3) AS tie,
    tupleElement(first, 4) AS kind,
    tupleElement(first, 5) AS audience,
    tupleElement(first, 6) AS parent_referral_id,
    tupleElement(first, 7) AS sharer_id,
    tupleElement(first, 8) AS shared_at
FROM
(
    SELECT
        campaign_id,
        referral_id,
        argMin((influencer_id, toString(channel), toString(tie), toString(kind), audience, parent_referral_id,
                sharer_id, occurred_at), source_offset) AS first
    FROM shares
    GROUP BY campaign_id, referral_id
)
COMMENT 'Whose is this referral? The first share of it in the log says so: owner, channel, tie, audience.';
