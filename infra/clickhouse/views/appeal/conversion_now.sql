CREATE OR REPLACE VIEW conversion_now AS
SELECT campaign_id, dimension, member, window, seconds, window_end AS up_to, gs_counted(donations, exposures, exposure) AS counted,
    rate, rate_low, rate_high, exposure
FROM newest_windows
UNION ALL
SELECT f.campaign_id, 'campaign', f.campaign_id, 'all', 4294967295, k.complete_up_to,
    gs_counted(f.donations, f.exposures, f.exposure), if(f.exposures >= 20, f.conversion, NULL), f.conversion_low,
    f.conversion_high, f.exposure
FROM appeal_totals AS f
INNER JOIN campaign_clock AS k ON k.campaign_id = f.campaign_id
WHERE k.heard = 1
COMMENT 'What is the conversion now, over each window and over all? Sorted by seconds, the smallest window first.';
