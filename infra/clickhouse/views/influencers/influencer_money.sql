-- A point where the money changed, at the start and where the line is known.
CREATE OR REPLACE VIEW influencer_money AS
SELECT campaign_id, influencer_id, minute_end, argMax(m.newest, m.said) AS gross
FROM
(
    SELECT
        campaign_id,
        influencer_id,
        minute_end,
        said,
        argMax(a.gross, (a.said, a.minute_end)) OVER so_far AS newest,
        said = 0 OR a.gross != lagInFrame(a.gross, 1, toDecimal128(0, 4)) OVER lines AS kept,
        max(a.donations + a.refunds) OVER whole AS moved
    FROM
    (
        SELECT campaign_id, member AS influencer_id, window_end AS minute_end, gross, donations, refunds, 1 AS said
        FROM entity_lines
        WHERE dimension = 'influencer'
        UNION ALL
        SELECT k.campaign_id, e.member,
            toDateTime(toStartOfMinute(arrayJoin([k.start, assumeNotNull(k.complete_up_to)])), 'UTC') AS minute_end,
            toDecimal128(0, 4), 0, 0, 0
        FROM campaign_clock AS k
        INNER JOIN (SELECT DISTINCT campaign_id, member FROM newest_chained WHERE dimension = 'influencer') AS e
            ON e.campaign_id = k.campaign_id
        WHERE k.hours_in IS NOT NULL AND k.campaign_id IN (SELECT campaign_id FROM chains WHERE cuts)
    ) AS a
    WINDOW so_far AS (PARTITION BY campaign_id, influencer_id ORDER BY minute_end ASC, said ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        lines AS (PARTITION BY campaign_id, influencer_id, said ORDER BY minute_end ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        whole AS (PARTITION BY campaign_id, influencer_id)
) AS m
GROUP BY campaign_id, influencer_id, minute_end
HAVING max(m.kept) AND max(m.moved) > 0
UNION ALL
SELECT campaign_id, influencer_id, minute_end, gross
FROM raw_influencer_money
WHERE campaign_id IN (SELECT campaign_id FROM chains WHERE NOT cuts)
COMMENT 'How did the money of one influencer grow? Sums since the beginning, from the start to complete_up_to; no row where nothing was given.';
