-- Most links have one claim; the others are few.
CREATE OR REPLACE VIEW refused_claims AS
SELECT referral_id, influencer_id
FROM
(
    SELECT referral_id, influencer_id, min(first_offset) AS begun, min(begun) OVER (PARTITION BY referral_id) AS earliest
    FROM claims
    WHERE campaign_id = {campaign:String} AND referral_id IN
    (
        SELECT referral_id FROM claims WHERE campaign_id = {campaign:String} GROUP BY referral_id
        HAVING min(influencer_id) != max(influencer_id)
    )
    GROUP BY referral_id, influencer_id
)
WHERE begun > earliest
COMMENT 'Who claimed a link that is somebody else''s? Their shares do not count; refused_claims(campaign = ...).';
