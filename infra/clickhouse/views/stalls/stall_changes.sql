CREATE OR REPLACE VIEW stall_changes AS
SELECT campaign_id, dimension, member, minute AS at, state, sentence, next_step, expected, observed, chance
FROM stalls FINAL
WHERE changed = 1
COMMENT 'When did the detector change its mind, and what did it say? The history of states.';
