CREATE OR REPLACE VIEW conversion_windows AS
SELECT
    w.campaign_id AS campaign_id,
    toString(w.dimension) AS dimension,
    w.member AS member,
    toString(w.window) AS window,
    w.window_end AS window_end,
    c.exposure AS exposure,
    gs_exposures(c.exposure, w.impressions_measured, w.impressions_sampled, w.impressions_estimated, w.clicks) AS exposures,
    w.donations AS donations,
    w.gross AS gross,
    w.net AS net,
    -- Below 20 exposures a percentage misleads; the interval does not.
    if(exposures >= 20, gs_rate(donations, exposures), NULL) AS rate,
    gs_wilson_low(donations, exposures) AS rate_low,
    gs_wilson_high(donations, exposures) AS rate_high,
    w.window = c.trend_window AS is_trend,
    w.window = c.longest_window AS is_longest,
    w.final AS final,
    w.watermark AS complete_up_to
FROM current_conversions AS w
INNER JOIN chart_windows AS c ON c.campaign_id = w.campaign_id
COMMENT 'What is the conversion over each window, with its 95 % interval? Donations per exposure (clicks, unless the campaign says otherwise).';
