-- Sums from the beginning up to each end of the line's windows: in a chain they add up.
CREATE OR REPLACE VIEW entity_lines AS
SELECT
    w.campaign_id AS campaign_id,
    w.dimension AS dimension,
    w.member AS member,
    w.window_end AS window_end,
    sum(w.shares) OVER chain AS shares,
    sum(w.impressions_measured) OVER chain AS impressions_measured,
    sum(w.impressions_sampled) OVER chain AS impressions_sampled,
    sum(w.impressions_estimated) OVER chain AS impressions_estimated,
    sum(w.clicks) OVER chain AS clicks,
    sum(w.donations) OVER chain AS donations,
    sum(w.refunds) OVER chain AS refunds,
    sum(w.gross) OVER chain AS gross,
    sum(w.refunded) OVER chain AS refunded,
    sum(w.net) OVER chain AS net
FROM
(
    SELECT v.*, toUnixTimestamp(v.window_end) % c.line_size AS link
    FROM conversions AS v FINAL
    INNER JOIN (SELECT campaign_id, line_window, line_size FROM chains WHERE cuts) AS c
        ON c.campaign_id = v.campaign_id AND c.line_window = v.window
) AS w
WINDOW chain AS (PARTITION BY w.campaign_id, w.dimension, w.member, w.link ORDER BY w.window_end ASC
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
COMMENT 'How did the sums of each entity grow? From the beginning up to each window_end, from results; none where no window ends at the start and end of the appeal.';
