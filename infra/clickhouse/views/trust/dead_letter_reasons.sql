CREATE OR REPLACE VIEW dead_letter_reasons AS
SELECT topic, reason, count() AS dead_letters, max(d.record_time) AS newest
FROM current_dead_letters AS d
GROUP BY topic, reason
COMMENT 'Why do events fail? Dead letters by topic and reason.';
