-- Whose newest window is empty has nothing left to come: each of its chains is whole, so that of the others is asked.
CREATE OR REPLACE VIEW chain_ends AS
SELECT
    campaign_id,
    dimension,
    member,
    window,
    if(newest_full >= newest_of_one, newest_of_one,
        max(newest_of_one) OVER (PARTITION BY campaign_id, dimension, window)) AS chosen,
    toDateTime(intDiv(chosen, 4294967296), 'UTC') AS chain_end,
    toUInt32(chosen % 4294967296) AS link
FROM
(
    SELECT campaign_id, dimension, member, window, max(n.newest) AS newest_of_one, max(n.newest_full) AS newest_full
    FROM newest_chained AS n
    WHERE (campaign_id, window) IN (SELECT campaign_id, longest_window FROM chains)
    GROUP BY campaign_id, dimension, member, window
)
COMMENT 'Which windows of an entity add up to all that happened to it? Those of its `link` that end by chain_end.';
