-- A scalar is asked once, however often it is used: the best links, then their clicks.
CREATE OR REPLACE VIEW influencer_referrals AS
WITH
(
    SELECT groupArray((referral_id, channel, owner_tie, first_share_at, reach, donations, gross))
    FROM
    (
        SELECT l.referral_id AS referral_id, toString(l.channel) AS channel, toString(l.owner_tie) AS owner_tie,
            l.first_share_at AS first_share_at, l.reach AS reach, coalesce(m.number, 0) AS donations,
            coalesce(m.brought, toDecimal128(0, 4)) AS gross
        FROM links_of(campaign = {campaign:String}, influencer = {influencer:String}) AS l
        LEFT JOIN
        (
            SELECT referral_id, countIf(kind = 'donation') AS number,
                sumIf(amount, kind = 'donation' AND currency IN
                    (SELECT toString(currency) FROM campaigns FINAL WHERE id = {campaign:String})) AS brought
            FROM
            (
                SELECT referral_id, kind, amount, toString(currency) AS currency
                FROM donations
                WHERE campaign_id = {campaign:String} AND referral_id IN
                    (SELECT referral_id FROM claims WHERE campaign_id = {campaign:String} AND influencer_id = {influencer:String})
                ORDER BY referral_id, occurred_at, event_id, source_offset
                LIMIT 1 BY referral_id, occurred_at, event_id
            )
            GROUP BY referral_id
        ) AS m ON m.referral_id = l.referral_id
        ORDER BY gross DESC, donations DESC, reach DESC, referral_id
        LIMIT 200
    )
) AS picked
SELECT
    tupleElement(p.link, 1) AS referral_id,
    tupleElement(p.link, 2) AS channel,
    tupleElement(p.link, 3) AS owner_tie,
    tupleElement(p.link, 4) AS first_share_at,
    tupleElement(p.link, 5) AS reach,
    coalesce(c.number, 0) AS clicks,
    tupleElement(p.link, 6) AS donations,
    tupleElement(p.link, 7) AS gross
FROM (SELECT arrayJoin(picked) AS link, tupleElement(link, 1) AS id) AS p
LEFT JOIN
(
    SELECT referral_id, uniqExact(occurred_at, event_id) AS number
    FROM clicks
    WHERE campaign_id = {campaign:String} AND referral_id IN (SELECT tupleElement(arrayJoin(picked), 1))
    GROUP BY referral_id
) AS c ON c.referral_id = p.id
COMMENT 'What did each of an influencer''s 200 best links bring? influencer_referrals(campaign = ..., influencer = ...).';
