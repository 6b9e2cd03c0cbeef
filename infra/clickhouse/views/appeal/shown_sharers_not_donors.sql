CREATE OR REPLACE VIEW shown_sharers_not_donors AS
WITH (SELECT groupArray((referral_id, influencer_id)) FROM refused_claims(campaign = {campaign:String})) AS refused
SELECT
    -- Fewer acts of sharing than gifts: their difference counts nobody.
    if(s.shares > 0 AND s.shares >= a.donations_48h, toInt64(s.shares) - toInt64(a.donations_48h), NULL) AS naive,
    p.never_gave AS never_gave,
    greatest(toInt64(p.never_gave) - toInt64(n.gifts), 0) AS lowest,
    toInt64(p.never_gave) + toInt64(n.shares) AS highest
FROM
(
    SELECT donations_48h FROM shown_phases WHERE campaign_id = {campaign:String}
) AS a
CROSS JOIN
(
    SELECT sum(g.shares) AS shares FROM group_sums AS g WHERE campaign_id = {campaign:String} AND dimension = 'campaign'
) AS s
CROSS JOIN
(
    SELECT count() AS never_gave
    FROM people FINAL
    WHERE campaign_id = {campaign:String} AND shared = 1 AND gave = 0 AND person NOT IN
        (SELECT person FROM refused_sharers(campaign = {campaign:String}) WHERE NOT accepted_too)
) AS p
CROSS JOIN
(
    SELECT countIf(topic = 'shares') AS shares, countIf(topic = 'donations') AS gifts
    FROM nameless FINAL
    WHERE campaign_id = {campaign:String} AND (referral_id, influencer_id) NOT IN
        (SELECT tupleElement(r, 1), tupleElement(r, 2) FROM (SELECT arrayJoin(refused) AS r))
) AS n
COMMENT 'How many shared but did not give? As sharers_not_donors, people from sets; shown_sharers_not_donors(campaign = ...).';
