CREATE OR REPLACE VIEW came_and_gave AS
SELECT
    campaign_id,
    dimension,
    member,
    window,
    is_trend,
    window_end,
    tupleElement(arrayJoin([(gs_exposure_in_words(exposure), w.exposures), ('donations', w.donations)]) AS pair, 1) AS line,
    tupleElement(pair, 2) AS happened
FROM conversion_windows AS w
COMMENT 'When did people come, and when did they give? Two lines over each window: exposures by their name, and donations.';
