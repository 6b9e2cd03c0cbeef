CREATE OR REPLACE VIEW influencer_gifts AS
SELECT
    g.occurred_at AS occurred_at,
    g.event_id AS event_id,
    toString(g.kind) AS kind,
    g.amount AS amount,
    toString(g.currency) AS currency,
    g.referral_id AS referral_id,
    s.first_channel AS channel,
    toString(g.tie) AS tie,
    dateDiff('second', s.shared_at, g.occurred_at) / 60 AS minutes_since_share
FROM
(
    SELECT referral_id, occurred_at, event_id, kind, amount, currency, tie
    FROM donations
    WHERE campaign_id = {campaign:String} AND referral_id IN
        (SELECT referral_id FROM links_of(campaign = {campaign:String}, influencer = {influencer:String}))
    ORDER BY occurred_at DESC, event_id, referral_id, source_offset
    LIMIT 1 BY occurred_at, event_id, referral_id
    LIMIT 200
) AS g
INNER JOIN
(
    SELECT referral_id, toString(argMin(channel, source_offset)) AS first_channel, argMin(occurred_at, source_offset) AS shared_at
    FROM shares
    WHERE campaign_id = {campaign:String} AND referral_id IN
        (SELECT referral_id FROM links_of(campaign = {campaign:String}, influencer = {influencer:String}))
    GROUP BY referral_id
) AS s ON s.referral_id = g.referral_id
COMMENT 'Why is each of an influencer''s newest 200 gifts theirs? Its link, channel and tie, and how long after the share it came. influencer_gifts(campaign = ..., influencer = ...).';
