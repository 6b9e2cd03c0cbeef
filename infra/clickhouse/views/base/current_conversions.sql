CREATE OR REPLACE VIEW current_conversions AS
SELECT * FROM conversions FINAL
COMMENT 'What is the conversion of each entity over each window? The newest version of every window; an interval is [window_end - size, window_end).';
