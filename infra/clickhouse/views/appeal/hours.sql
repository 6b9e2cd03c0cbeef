CREATE OR REPLACE VIEW hours AS
SELECT
    t.campaign_id AS campaign_id,
    t.hour_end AS hour_end,
    coalesce(h.shares, 0) AS shares,
    coalesce(h.impressions_measured, 0) AS impressions_measured,
    coalesce(h.impressions_sampled, 0) AS impressions_sampled,
    coalesce(h.impressions_estimated, 0) AS impressions_estimated,
    coalesce(h.clicks, 0) AS clicks,
    coalesce(h.donations, 0) AS donations,
    coalesce(h.gross, toDecimal128(0, 4)) AS gross,
    coalesce(h.net, toDecimal128(0, 4)) AS net
FROM
(
    SELECT DISTINCT campaign_id, hour_end
    FROM
    (
        SELECT campaign_id, toStartOfHour(start)
            + toIntervalHour(arrayJoin(range(1, toUInt32(least(coalesce(hours_in, 0), 2400)) + 2))) AS hour_end
        FROM campaign_clock
        WHERE hours_in IS NOT NULL
        UNION ALL
        SELECT campaign_id, hour_end FROM hourly_totals
    )
) AS t
LEFT JOIN hourly_totals AS h ON h.campaign_id = t.campaign_id AND h.hour_end = t.hour_end
COMMENT 'What happened in each hour, those included in which nothing did? From the start to complete_up_to; an hour is [hour_end - 1 h, hour_end).';
