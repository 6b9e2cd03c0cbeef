CREATE OR REPLACE VIEW campaign_clock AS
SELECT
    c.id AS campaign_id,
    c.title AS title,
    toString(c.currency) AS currency,
    c.start AS start,
    c.end AS end,
    w.complete_up_to AS complete_up_to,
    w.newest_record AS newest_record,
    coalesce(h.heard, 0) AS heard,
    multiIf(complete_up_to IS NULL, 'no records yet', complete_up_to < c.start, 'before', complete_up_to < c.end,
        'running', heard = 0, 'no records yet', 'tail') AS phase,
    if(phase IN ('running', 'tail'), dateDiff('second', c.start, complete_up_to) / 3600, NULL) AS hours_in,
    if(phase IN ('before', 'running'), dateDiff('second', complete_up_to, c.end) / 3600, NULL) AS hours_left,
    if(phase = 'tail', dateDiff('second', c.end, complete_up_to) / 3600, NULL) AS hours_of_tail,
    if(phase = 'no records yet', NULL, gs_part_of_time(c.start, c.end, complete_up_to)) AS part_of_time,
    toStartOfHour(c.start) - INTERVAL 1 HOUR AS chart_from,
    if(phase = 'tail', assumeNotNull(complete_up_to), c.end) AS chart_until
FROM (SELECT * FROM campaigns FINAL) AS c
LEFT JOIN complete_up_to AS w ON w.campaign_id = c.id
LEFT JOIN (SELECT campaign_id, 1 AS heard FROM conversions WHERE dimension = 'campaign' GROUP BY campaign_id) AS h
    ON h.campaign_id = c.id
COMMENT 'Where is each appeal in its own time? hours_in, hours_left and hours_of_tail as of complete_up_to; a chart of it all spans [chart_from, chart_until].';
