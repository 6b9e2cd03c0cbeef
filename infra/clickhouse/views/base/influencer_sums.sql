-- Chains that somebody ended with once are read too, until rows are merged: what they hold meets no end and is left out.
CREATE OR REPLACE VIEW influencer_sums AS
SELECT
    w.member AS influencer_id,
    sum(w.shares) AS shares,
    sum(w.impressions_measured) AS impressions_measured,
    sum(w.impressions_sampled) AS impressions_sampled,
    sum(w.impressions_estimated) AS impressions_estimated,
    sum(w.clicks) AS clicks,
    sum(w.donations) AS donations,
    sum(w.refunds) AS refunds,
    sum(w.gross) AS gross,
    sum(w.refunded) AS refunded,
    sum(w.fee) AS fee,
    sum(w.net) AS net
FROM
(
    SELECT * FROM chained_windows FINAL
    WHERE campaign_id = {campaign:String} AND dimension = 'influencer' AND link IN
    (
        SELECT DISTINCT newest % 4294967296
        FROM newest_chained
        WHERE campaign_id = {campaign:String} AND dimension = 'influencer'
    )
) AS w
INNER JOIN (SELECT * FROM chain_ends WHERE campaign_id = {campaign:String} AND dimension = 'influencer') AS e
    ON e.member = w.member AND e.link = w.link AND e.window = w.window
WHERE w.window_end <= e.chain_end
GROUP BY w.member
COMMENT 'What came of each influencer so far? (direct) and (unattributed) are rows too. Summed from windows of conversion; influencer_sums(campaign = ...).';
