CREATE OR REPLACE VIEW appeal_pace AS
SELECT
    f.campaign_id AS campaign_id,
    f.currency AS currency,
    f.goal AS goal,
    f.gross_total AS gross,
    p.gross_late AS gross_late,
    p.donations_late AS donations_late,
    f.refunded AS refunded,
    f.net AS net,
    f.part_of_goal AS part_of_goal,
    k.part_of_time AS part_of_time,
    if(k.part_of_time > 0, f.part_of_goal / k.part_of_time, NULL) AS pace,
    multiIf(k.part_of_time IS NULL OR k.part_of_time = 0, 'not begun', f.part_of_goal >= 1, 'goal reached',
        k.part_of_time >= 1, 'goal not reached', pace >= 1, 'ahead of an even pace', 'behind an even pace') AS standing
FROM appeal_totals AS f
INNER JOIN appeal_phases AS p ON p.campaign_id = f.campaign_id
INNER JOIN campaign_clock AS k ON k.campaign_id = f.campaign_id
COMMENT 'Is the appeal on pace? pace 1 is an even one: the part of the goal divided by the part of the time that has gone.';
