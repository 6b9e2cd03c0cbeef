-- The line begins with the appeal and goes on to where it is known: one that ends at the last gift looks as if nobody
-- knew what came after it.  Who was given nothing has no line, and not one of zeros.
CREATE OR REPLACE VIEW raw_influencer_money AS
SELECT
    m.campaign_id AS campaign_id,
    m.influencer_id AS influencer_id,
    m.minute_end AS minute_end,
    sum(m.brought) OVER (PARTITION BY m.campaign_id, m.influencer_id ORDER BY m.minute_end ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS gross,
    sum(m.gifts) OVER (PARTITION BY m.campaign_id, m.influencer_id ORDER BY m.minute_end ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS donations
FROM
(
    SELECT campaign_id, influencer_id, minute_end, sum(brought) AS brought, sum(gifts) AS gifts
    FROM
    (
        SELECT campaign_id, influencer_id, toStartOfMinute(occurred_at) + INTERVAL 1 MINUTE AS minute_end,
            gross AS brought, toUInt64(kind = 'donation') AS gifts
        FROM attributed_donations
        UNION ALL
        SELECT k.campaign_id, d.influencer_id,
            toStartOfMinute(arrayJoin([k.start, assumeNotNull(k.complete_up_to)])) AS minute_end,
            toDecimal128(0, 4), toUInt64(0)
        FROM campaign_clock AS k
        INNER JOIN (SELECT DISTINCT campaign_id, influencer_id FROM attributed_donations) AS d
            ON d.campaign_id = k.campaign_id
        WHERE k.hours_in IS NOT NULL
    )
    GROUP BY campaign_id, influencer_id, minute_end
) AS m
COMMENT 'How did the money of one influencer grow? Sums since the beginning, from the start to complete_up_to; no row where nothing was given.';
