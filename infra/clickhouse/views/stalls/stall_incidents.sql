CREATE OR REPLACE VIEW stall_incidents AS
SELECT campaign_id, dimension, member, state, at AS started_at, if(following > at, following, NULL) AS resolved_at,
    sentence, next_step
FROM
(
    SELECT
        campaign_id,
        dimension,
        member,
        state,
        at,
        sentence,
        next_step,
        leadInFrame(at, 1, at) OVER (
            PARTITION BY campaign_id, dimension, member ORDER BY at ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS following
    FROM stall_changes
)
WHERE state IN ('slow', 'stalled', 'no_traffic', 'feed_down')
COMMENT 'From when to when was something wrong? resolved_at is null while it lasts.';
