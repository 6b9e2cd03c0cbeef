CREATE OR REPLACE VIEW feeds AS
SELECT feed, splitByChar('/', feed)[1] AS topic, campaign_id, at AS last_heartbeat, record_time
FROM heartbeats FINAL
COMMENT 'Which feeds have said that they are alive, and when last? An empty campaign_id is every campaign.';
