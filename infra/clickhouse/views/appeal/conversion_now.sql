CREATE OR REPLACE VIEW conversion_now AS
SELECT campaign_id, dimension, member, window, seconds, window_end AS up_to, counts, rate, rate_low, rate_high, shown_rate,
    exposure, concat(counts, ' ', multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions'))) AS counted
FROM newest_windows
UNION ALL
SELECT
    f.campaign_id,
    'campaign',
    f.campaign_id,
    'all',
    4294967295,
    k.complete_up_to,
    concat(toString(f.donations), ' of ', toString(f.exposures)) AS of_all,
    f.conversion,
    f.conversion_low,
    f.conversion_high,
    if(f.exposures >= 20, f.conversion, NULL),
    f.exposure AS exposure,
    concat(of_all, ' ', multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions')))
FROM appeal_figures AS f
INNER JOIN campaign_clock AS k ON k.campaign_id = f.campaign_id
WHERE k.heard = 1
COMMENT 'What is the conversion now, over each window and over all? Sorted by seconds, the smallest window first.';
