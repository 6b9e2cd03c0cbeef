CREATE OR REPLACE VIEW current_dead_letters AS
SELECT * FROM dead_letters FINAL
COMMENT 'Which events could not be processed, and why? Each once.';
