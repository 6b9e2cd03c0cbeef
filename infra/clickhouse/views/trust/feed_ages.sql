CREATE OR REPLACE VIEW feed_ages AS
SELECT
    f.feed AS feed,
    f.topic AS topic,
    f.campaign_id AS campaign_id,
    f.last_heartbeat AS last_heartbeat,
    if(p.newest_record IS NULL, NULL, greatest(dateDiff('second', f.last_heartbeat, p.newest_record), 0) / 60) AS minutes_silent
FROM feeds AS f
LEFT JOIN (SELECT 1 AS one, max(newest_record) AS newest_record FROM freshness) AS p ON p.one = 1
COMMENT 'Which feeds went silent? Minutes from the last heartbeat of each to the newest record of any.';
