CREATE OR REPLACE VIEW funnel AS
SELECT
    campaign_id,
    tupleElement(arrayJoin([
        (1, 'shares', 'counted', f.shares),
        (2, 'impressions, measured', 'counted by a platform', f.impressions_measured),
        (3, 'impressions, sampled', 'reckoned from a part', f.impressions_sampled),
        (4, 'impressions, estimated', 'guessed from followers', f.impressions_estimated),
        (5, 'clicks', 'counted', f.clicks),
        (6, 'donations', 'counted', f.donations)
    ]) AS step, 1) AS number,
    tupleElement(step, 2) AS stage,
    tupleElement(step, 3) AS known_by,
    tupleElement(step, 4) AS events
FROM appeal_totals AS f
COMMENT 'How many shares, impressions, clicks and donations? The three kinds of impressions are never added.';
