-- An even pace brings the goal in over the appeal's time, hour for hour; people sleep, so a night lies behind it.
CREATE OR REPLACE VIEW appeal_pace AS
SELECT
    f.campaign_id AS campaign_id,
    f.currency AS currency,
    f.goal AS goal,
    f.gross_total AS gross,
    f.gross_late AS gross_late,
    f.donations_late AS donations_late,
    f.refunded AS refunded,
    f.net AS net,
    f.part_of_goal AS part_of_goal,
    k.part_of_time AS part_of_time,
    if(k.part_of_time > 0, f.part_of_goal / k.part_of_time, NULL) AS pace,
    multiIf(k.part_of_time IS NULL OR k.part_of_time = 0, 'not begun', f.part_of_goal >= 1, 'goal reached',
        k.part_of_time >= 1, 'goal not reached', pace >= 1, 'ahead of an even pace', 'behind an even pace') AS standing
FROM appeal_money AS f
INNER JOIN campaign_clock AS k ON k.campaign_id = f.campaign_id
COMMENT 'Is the appeal on pace? pace 1 is an even one: the part of the goal divided by the part of the time that has gone.';
