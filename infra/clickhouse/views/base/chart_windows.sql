-- The window of a chart that moves is the one nearest to six hours; that of a figure that stands is the longest.
CREATE OR REPLACE VIEW chart_windows AS
SELECT
    c.id AS campaign_id,
    toString(c.exposure) AS exposure,
    tupleElement(arraySort(w -> (abs(log(w.size / 21600)), w.size), c.windows)[1], 'name') AS trend_window,
    k.longest_window AS longest_window
FROM (SELECT id, exposure, windows FROM campaigns FINAL) AS c
INNER JOIN chains AS k ON k.campaign_id = c.id
COMMENT 'Which of its own windows do the charts of an appeal show? Whatever windows its file has.';
