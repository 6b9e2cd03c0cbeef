-- Refused claims are a scalar here, for they are few and finding them reads every claim.
CREATE OR REPLACE VIEW refused_sharers AS
WITH (SELECT groupArray((referral_id, influencer_id)) FROM refused_claims(campaign = {campaign:String})) AS refused
SELECT assumeNotNull(sharer_id) AS person, max((referral_id, influencer_id) NOT IN
    (SELECT tupleElement(r, 1), tupleElement(r, 2) FROM (SELECT arrayJoin(refused) AS r))) AS accepted_too
FROM shares
WHERE campaign_id = {campaign:String} AND sharer_id IN
(
    SELECT sharer_id
    FROM shares
    WHERE campaign_id = {campaign:String} AND sharer_id IS NOT NULL AND (referral_id, influencer_id) IN
        (SELECT tupleElement(r, 1), tupleElement(r, 2) FROM (SELECT arrayJoin(refused) AS r))
)
GROUP BY person
COMMENT 'Who shared a link that is somebody else''s, and did any share of theirs count? refused_sharers(campaign = ...).';
