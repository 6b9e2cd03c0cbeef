-- Events count for the channel of the referral's first share, a share for its own.
CREATE OR REPLACE VIEW channel_totals AS
SELECT
    campaign_id,
    channel,
    sum(share) AS shares,
    sum(measured) AS impressions_measured,
    sum(sampled) AS impressions_sampled,
    sum(estimated) AS impressions_estimated,
    sum(click) AS clicks,
    sum(gift) AS donations,
    sum(returned) AS refunds,
    sum(in) AS gross,
    sum(out) AS refunded,
    sum(cost) AS fee,
    gross - refunded - fee AS net
FROM
(
    SELECT campaign_id, channel, count() AS share, 0 AS measured, 0 AS sampled, 0 AS estimated, 0 AS click, 0 AS gift,
        0 AS returned, toDecimal128(0, 4) AS in, toDecimal128(0, 4) AS out, toDecimal128(0, 4) AS cost
    FROM accepted_shares
    GROUP BY campaign_id, channel
    UNION ALL
    SELECT campaign_id, channel, 0, impressions_measured, impressions_sampled, impressions_estimated, clicks, donations,
        refunds, gross, refunded, fee
    FROM referral_totals
)
GROUP BY campaign_id, channel
COMMENT 'What did each channel bring?';
