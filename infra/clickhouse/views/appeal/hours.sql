CREATE OR REPLACE VIEW hours AS
SELECT campaign_id, hour_end, sum(shares) AS shares, sum(impressions_measured) AS impressions_measured,
    sum(impressions_sampled) AS impressions_sampled, sum(impressions_estimated) AS impressions_estimated,
    sum(clicks) AS clicks, sum(donations) AS donations, sum(gross) AS gross, sum(net) AS net
FROM
(
    SELECT
        campaign_id,
        hour_end,
        toInt64(h.shares) - toInt64(lagInFrame(h.shares, 1, 0) OVER hour) AS shares,
        toInt64(h.impressions_measured) - toInt64(lagInFrame(h.impressions_measured, 1, 0) OVER hour) AS impressions_measured,
        toInt64(h.impressions_sampled) - toInt64(lagInFrame(h.impressions_sampled, 1, 0) OVER hour) AS impressions_sampled,
        toInt64(h.impressions_estimated) - toInt64(lagInFrame(h.impressions_estimated, 1, 0) OVER hour) AS impressions_estimated,
        toInt64(h.clicks) - toInt64(lagInFrame(h.clicks, 1, 0) OVER hour) AS clicks,
        toInt64(h.donations) - toInt64(lagInFrame(h.donations, 1, 0) OVER hour) AS donations,
        h.gross - lagInFrame(h.gross, 1, toDecimal128(0, 4)) OVER hour AS gross,
        h.net - lagInFrame(h.net, 1, toDecimal128(0, 4)) OVER hour AS net
    FROM
    (
        SELECT campaign_id, toDateTime(toStartOfHour(l.window_end - INTERVAL 1 SECOND) + INTERVAL 1 HOUR, 'UTC') AS hour_end,
            argMax(l.shares, l.window_end) AS shares,
            argMax(l.impressions_measured, l.window_end) AS impressions_measured,
            argMax(l.impressions_sampled, l.window_end) AS impressions_sampled,
            argMax(l.impressions_estimated, l.window_end) AS impressions_estimated,
            argMax(l.clicks, l.window_end) AS clicks,
            argMax(l.donations, l.window_end) AS donations,
            argMax(l.gross, l.window_end) AS gross,
            argMax(l.net, l.window_end) AS net
        FROM campaign_lines AS l
        GROUP BY campaign_id, hour_end
    ) AS h
    WINDOW hour AS (PARTITION BY campaign_id ORDER BY hour_end ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    UNION ALL
    SELECT campaign_id, toStartOfHour(start)
        + toIntervalHour(arrayJoin(range(1, toUInt32(least(coalesce(hours_in, 0), 2400)) + 2))) AS hour_end,
        toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toDecimal128(0, 4), toDecimal128(0, 4)
    FROM campaign_clock
    WHERE hours_in IS NOT NULL
    UNION ALL
    SELECT campaign_id, hour_end, toInt64(t.shares), toInt64(t.impressions_measured), toInt64(t.impressions_sampled),
        toInt64(t.impressions_estimated), toInt64(t.clicks), toInt64(t.donations), t.gross, t.net
    FROM raw_hours AS t
    WHERE campaign_id IN (SELECT campaign_id FROM chains WHERE NOT cuts)
)
GROUP BY campaign_id, hour_end
COMMENT 'What happened in each hour, those included in which nothing did? From the start to complete_up_to; an hour is [hour_end - 1 h, hour_end).';
