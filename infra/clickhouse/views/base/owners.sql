CREATE OR REPLACE VIEW owners AS
SELECT
    campaign_id,
    referral_id,
    argMin(c.influencer_id, c.begun) AS influencer_id,
    argMin(c.first_channel, c.begun) AS channel,
    argMin(c.first_tie, c.begun) AS owner_tie,
    toUInt64(argMin(c.most, c.begun)) AS reach,
    toDateTime64(argMin(c.earliest, c.begun), 3, 'UTC') AS first_share_at,
    count() > 1 AS contested
FROM
(
    SELECT campaign_id, referral_id, influencer_id, min(first_offset) AS begun, argMin(channel, first_offset) AS first_channel,
        argMin(tie, first_offset) AS first_tie, max(reach) AS most, min(first_share_at) AS earliest
    FROM claims
    GROUP BY campaign_id, referral_id, influencer_id
) AS c
GROUP BY campaign_id, referral_id
COMMENT 'Whose is each link? Of its first share: influencer, channel, tie; reach and first_share_at of all shares that count.';
