CREATE OR REPLACE VIEW donor_ties AS
SELECT tie, count() AS donors
FROM
(
    SELECT donor, argMax(g.tie, g.newest + if(g.tie = 'unknown', toUInt256(0), bitShiftLeft(toUInt256(1), 250))) AS tie
    FROM givers AS g
    WHERE campaign_id = {campaign:String} AND (start, end) IN
        (SELECT start, end FROM campaigns FINAL WHERE id = {campaign:String})
    GROUP BY donor
)
GROUP BY tie
COMMENT 'Are the donors of the 48 hours strong or weak ties? Each once, by their own tie as last said; weak is an upper bound. donor_ties(campaign = ...).';
