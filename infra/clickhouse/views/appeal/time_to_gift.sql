CREATE OR REPLACE VIEW time_to_gift AS
SELECT
    d.campaign_id AS campaign_id,
    d.event_id AS event_id,
    d.occurred_at AS occurred_at,
    d.influencer_id AS influencer_id,
    d.channel AS channel,
    d.owner_tie AS owner_tie,
    d.tie AS tie,
    d.shared_at AS shared_at,
    dateDiff('millisecond', d.shared_at, d.occurred_at) / 1000 AS seconds_since_share,
    dateDiff('millisecond', c.start, d.occurred_at) / 1000 AS seconds_since_start,
    d.occurred_at < d.shared_at + INTERVAL 48 HOUR AS within_48h_of_share
FROM (SELECT * FROM attributed_donations WHERE kind = 'donation') AS d
INNER JOIN (SELECT id, start FROM campaigns FINAL) AS c ON c.id = d.campaign_id
COMMENT 'How long after the share did each gift come? Null without a known share; a negative time is a producer with a wrong clock.';
