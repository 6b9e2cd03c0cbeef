-- Of one influencer, so that rows of others are passed over.  FINAL by hand, over what is picked: the first copy counts.
CREATE OR REPLACE VIEW links_of AS
SELECT referral_id, channel, owner_tie, reach, first_share_at
FROM owners
WHERE influencer_id = {influencer:String} AND campaign_id = {campaign:String} AND referral_id IN
    (SELECT referral_id FROM claims WHERE campaign_id = {campaign:String} AND influencer_id = {influencer:String})
COMMENT 'Which links are an influencer''s? links_of(campaign = ..., influencer = ...).';
