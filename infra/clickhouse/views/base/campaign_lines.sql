CREATE OR REPLACE VIEW campaign_lines AS
SELECT campaign_id, window_end, shares, impressions_measured, impressions_sampled, impressions_estimated, clicks,
    donations, gross, net
FROM entity_lines
WHERE dimension = 'campaign'
COMMENT 'How did the sums of an appeal grow? From the beginning up to each window_end.';
