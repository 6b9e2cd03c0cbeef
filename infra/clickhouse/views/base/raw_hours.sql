CREATE OR REPLACE VIEW raw_hours AS
SELECT
    campaign_id,
    hour_end,
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
    SELECT campaign_id, toStartOfHour(occurred_at) + INTERVAL 1 HOUR AS hour_end, count() AS share, 0 AS measured,
        0 AS sampled, 0 AS estimated, 0 AS click, 0 AS gift, 0 AS returned, toDecimal128(0, 4) AS in,
        toDecimal128(0, 4) AS out, toDecimal128(0, 4) AS cost
    FROM accepted_shares
    GROUP BY campaign_id, hour_end
    UNION ALL
    SELECT campaign_id, toStartOfHour(occurred_at) + INTERVAL 1 HOUR AS hour_end, 0,
        sumIf(count, basis = 'measured'), sumIf(count, basis = 'sampled'), sumIf(count, basis = 'estimated'),
        0, 0, 0, toDecimal128(0, 4), toDecimal128(0, 4), toDecimal128(0, 4)
    FROM impressions FINAL
    GROUP BY campaign_id, hour_end
    UNION ALL
    SELECT campaign_id, toStartOfHour(occurred_at) + INTERVAL 1 HOUR AS hour_end, 0, 0, 0, 0, count(), 0, 0,
        toDecimal128(0, 4), toDecimal128(0, 4), toDecimal128(0, 4)
    FROM clicks FINAL
    GROUP BY campaign_id, hour_end
    UNION ALL
    SELECT campaign_id, toStartOfHour(occurred_at) + INTERVAL 1 HOUR AS hour_end, 0, 0, 0, 0, 0,
        countIf(kind = 'donation'), countIf(kind = 'refund'), sum(gross), sum(refunded), sum(fee_paid)
    FROM counted_donations
    GROUP BY campaign_id, hour_end
)
GROUP BY campaign_id, hour_end
COMMENT 'What happened hour by hour? Of raw rows, for campaigns whose windows do not end there. An hour is [hour_end - 1 h, hour_end); one without events has no row.';
