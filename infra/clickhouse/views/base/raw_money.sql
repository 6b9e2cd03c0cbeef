CREATE OR REPLACE VIEW raw_money AS
SELECT
    m.campaign_id AS campaign_id,
    m.minute_end AS minute_end,
    sum(m.brought) OVER (PARTITION BY m.campaign_id ORDER BY m.minute_end ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS gross,
    sum(m.kept) OVER (PARTITION BY m.campaign_id ORDER BY m.minute_end ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS net,
    k.goal AS goal,
    toDecimal128(toFloat64(k.goal) * gs_part_of_time(k.start, k.end, m.minute_end), 4) AS even_pace
FROM
(
    SELECT campaign_id, minute_end, sum(brought) AS brought, sum(kept) AS kept
    FROM
    (
        SELECT campaign_id, toStartOfMinute(occurred_at) + INTERVAL 1 MINUTE AS minute_end, gross AS brought,
            gross - refunded - fee_paid AS kept
        FROM counted_donations
        UNION ALL
        -- The line begins with the appeal and goes on to where it is known, also where nothing was given.
        SELECT campaign_id, toStartOfMinute(arrayJoin([start, end, assumeNotNull(complete_up_to)])) AS minute_end,
            toDecimal128(0, 4), toDecimal128(0, 4)
        FROM campaign_clock
        WHERE hours_in IS NOT NULL AND minute_end <= complete_up_to
    )
    GROUP BY campaign_id, minute_end
) AS m
INNER JOIN (SELECT id, start, end, goal FROM campaigns FINAL) AS k ON k.id = m.campaign_id
COMMENT 'How did the money grow? Sums since the beginning, in the campaign currency, beside the goal and an even pace to it.';
