CREATE OR REPLACE VIEW landed AS
SELECT 'shares' AS topic, count() AS events FROM accepted_shares
UNION ALL
SELECT 'clicks', count() FROM clicks FINAL
UNION ALL
SELECT 'impressions', count() FROM impressions FINAL
UNION ALL
SELECT 'donations', count() FROM donations FINAL
UNION ALL
SELECT 'dead-letters', count() FROM dead_letters FINAL
COMMENT 'How many accepted events and dead letters are in the store? Compare with accounting.';
