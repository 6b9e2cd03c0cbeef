-- A set difference over people.  Both bounds: shares without a sharer may each hide a person who did not give, gifts without
-- a donor may each be by one of the sharers counted.  Refused claims are a scalar: they are few, and finding them reads
-- every claim.
CREATE OR REPLACE VIEW sharers_not_donors AS
WITH (SELECT groupArray((referral_id, influencer_id)) FROM refused_claims(campaign = {campaign:String})) AS refused
SELECT
    -- Fewer acts of sharing than gifts: their difference counts nobody.
    if(s.shares > 0 AND s.shares >= a.donations_48h, toInt64(s.shares) - toInt64(a.donations_48h), NULL) AS naive,
    p.sharers AS sharers,
    p.never_gave AS never_gave,
    p.not_within_48h AS not_within_48h,
    n.shares AS shares_without_sharer,
    n.gifts AS donations_without_donor,
    greatest(toInt64(p.never_gave) - toInt64(n.gifts), 0) AS lowest,
    toInt64(p.never_gave) + toInt64(n.shares) AS highest
FROM
(
    SELECT donations_48h FROM appeal_phases WHERE campaign_id = {campaign:String}
) AS a
CROSS JOIN
(
    SELECT sum(g.shares) AS shares FROM group_sums AS g WHERE campaign_id = {campaign:String} AND dimension = 'campaign'
) AS s
CROSS JOIN
(
    SELECT
        count() AS sharers,
        countIf(gave = 0) AS never_gave,
        countIf(person NOT IN
        (
            SELECT donor FROM givers
            WHERE campaign_id = {campaign:String} AND (start, end) IN
                (SELECT start, end FROM campaigns FINAL WHERE id = {campaign:String})
        )) AS not_within_48h
    FROM people FINAL
    WHERE campaign_id = {campaign:String} AND shared = 1 AND person NOT IN
        (SELECT person FROM refused_sharers(campaign = {campaign:String}) WHERE NOT accepted_too)
) AS p
CROSS JOIN
(
    SELECT countIf(topic = 'shares') AS shares, countIf(topic = 'donations') AS gifts
    FROM nameless FINAL
    WHERE campaign_id = {campaign:String} AND (referral_id, influencer_id) NOT IN
        (SELECT tupleElement(r, 1), tupleElement(r, 2) FROM (SELECT arrayJoin(refused) AS r))
) AS n
COMMENT 'How many shared but did not give? naive = shares - donations_48h counts acts; never_gave counts people, not_within_48h those of them and those who gave later. sharers_not_donors(campaign = ...).';
