-- A point where the money changed, and at the start, the end and where the line is known: these say what the newest
-- before them says.
CREATE OR REPLACE VIEW money_over_time AS
SELECT
    p.campaign_id AS campaign_id,
    p.minute_end AS minute_end,
    tupleElement(p.sums, 1) AS gross,
    tupleElement(p.sums, 2) AS net,
    k.goal AS goal,
    toDecimal128(toFloat64(k.goal) * gs_part_of_time(k.start, k.end, p.minute_end), 4) AS even_pace
FROM
(
    SELECT campaign_id, minute_end, argMax(m.newest, m.said) AS sums, max(m.kept) AS kept
    FROM
    (
        SELECT
            campaign_id,
            minute_end,
            said,
            argMax((a.gross, a.net), (a.said, a.minute_end)) OVER so_far AS newest,
            said = 0 OR (a.gross, a.net) != lagInFrame((a.gross, a.net), 1, (toDecimal128(0, 4), toDecimal128(0, 4))) OVER lines AS kept
        FROM
        (
            SELECT campaign_id, window_end AS minute_end, gross, net, 1 AS said FROM campaign_lines
            UNION ALL
            SELECT campaign_id, toDateTime(toStartOfMinute(arrayJoin([start, end, assumeNotNull(complete_up_to)])), 'UTC')
                AS minute_end, toDecimal128(0, 4), toDecimal128(0, 4), 0
            FROM campaign_clock
            WHERE hours_in IS NOT NULL AND minute_end <= complete_up_to
                AND campaign_id IN (SELECT campaign_id FROM chains WHERE cuts)
        ) AS a
        WINDOW so_far AS (PARTITION BY campaign_id ORDER BY minute_end ASC, said ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
            lines AS (PARTITION BY campaign_id, said ORDER BY minute_end ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ) AS m
    GROUP BY campaign_id, minute_end
    HAVING kept
) AS p
INNER JOIN (SELECT id, start, end, goal FROM campaigns FINAL) AS k ON k.id = p.campaign_id
UNION ALL
SELECT campaign_id, minute_end, gross, net, goal, even_pace
FROM raw_money
WHERE campaign_id IN (SELECT campaign_id FROM chains WHERE NOT cuts)
COMMENT 'How did the money grow? Sums since the beginning, in the campaign currency, beside the goal and an even pace to it.';
