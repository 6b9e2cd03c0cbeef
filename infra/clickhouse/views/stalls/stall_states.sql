CREATE OR REPLACE VIEW stall_states AS
SELECT
    s.campaign_id AS campaign_id,
    s.dimension AS dimension,
    s.member AS member,
    argMax((s.state, s.since, s.sentence, s.next_step, s.exposure, s.exposures_since, s.minutes_since,
        s.last_donation_at, s.observed, s.expected, s.chance, s.usual_rate, s.level, s.red, s.amber,
        s.exposures_to_confirm, s.silent_feeds, s.unheard), (s.minute, s.version)) AS newest,
    max(s.minute) AS minute,
    tupleElement(newest, 1) AS state,
    tupleElement(newest, 2) AS since,
    tupleElement(newest, 3) AS sentence,
    tupleElement(newest, 4) AS next_step,
    tupleElement(newest, 5) AS exposure,
    tupleElement(newest, 6) AS exposures_since,
    tupleElement(newest, 7) AS minutes_since,
    tupleElement(newest, 8) AS last_donation_at,
    tupleElement(newest, 9) AS observed,
    tupleElement(newest, 10) AS expected,
    tupleElement(newest, 11) AS chance,
    tupleElement(newest, 12) AS usual_rate,
    tupleElement(newest, 13) AS level,
    tupleElement(newest, 14) AS red,
    tupleElement(newest, 15) AS amber,
    tupleElement(newest, 16) AS exposures_to_confirm,
    tupleElement(newest, 17) AS silent_feeds,
    tupleElement(newest, 18) AS unheard
FROM stalls AS s
GROUP BY campaign_id, dimension, member
COMMENT 'How does each appeal and influencer stand, since when, why, and what to do next? The newest word of the detector.';
