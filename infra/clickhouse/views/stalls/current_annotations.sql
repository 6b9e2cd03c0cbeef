CREATE OR REPLACE VIEW current_annotations AS
SELECT * FROM annotations FINAL
COMMENT 'What happened in the appeal: launch, reminders, notes? Each once, as said last.';
