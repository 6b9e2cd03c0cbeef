-- Few members: all of their chains are read.
CREATE OR REPLACE VIEW group_sums AS
SELECT
    w.campaign_id AS campaign_id,
    toString(w.dimension) AS dimension,
    w.member AS member,
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
FROM (SELECT * FROM chained_windows FINAL WHERE dimension IN ('campaign', 'channel', 'tie')) AS w
INNER JOIN (SELECT * FROM chain_ends WHERE dimension IN ('campaign', 'channel', 'tie')) AS e
    ON e.campaign_id = w.campaign_id AND e.dimension = w.dimension AND e.member = w.member AND e.link = w.link
    AND e.window = w.window
WHERE w.window_end <= e.chain_end
GROUP BY campaign_id, dimension, member
COMMENT 'What came of each campaign, channel and tie so far? Summed from windows of conversion.';
