CREATE OR REPLACE VIEW newest_windows AS
SELECT
    campaign_id,
    dimension,
    member,
    window,
    max(w.window_end) AS window_end,
    argMax((w.exposure, w.exposures, w.donations, w.rate, w.rate_low, w.rate_high, w.gross, w.final), w.window_end) AS newest,
    tupleElement(newest, 1) AS exposure,
    tupleElement(newest, 2) AS exposures,
    tupleElement(newest, 3) AS donations,
    tupleElement(newest, 4) AS rate,
    tupleElement(newest, 5) AS rate_low,
    tupleElement(newest, 6) AS rate_high,
    tupleElement(newest, 7) AS gross,
    tupleElement(newest, 8) AS final,
    multiIf(endsWith(window, 'm'), 60, endsWith(window, 'h'), 3600, 1)
        * toUInt32OrZero(extract(window, '[0-9]+')) AS seconds
FROM conversion_windows AS w
GROUP BY campaign_id, dimension, member, window
COMMENT 'What is the conversion now? The newest window of each size; it is behind where nothing has happened since.';
