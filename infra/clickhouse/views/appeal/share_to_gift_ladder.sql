-- How far did the links come?  A link that was clicked was seen, one that brought a gift was clicked: each rung holds
-- the links that came at least so far, so no rung is longer than the one below.  Where clicks are not counted at all,
-- nothing is said of them.
CREATE OR REPLACE VIEW share_to_gift_ladder AS
SELECT
    campaign_id,
    arrayJoin([influencer_id, '(all)']) AS influencer_id,
    tupleElement(arrayJoin([
        (1, 'shared'), (2, 'seen'), (3, 'clicked'), (4, 'gave')
    ]) AS pair, 1) AS step,
    tupleElement(pair, 2) AS rung,
    countIf(height >= step) AS referrals,
    -- Nobody knows how often a link was seen: measured, sampled and estimated impressions are never added.
    if(step = 2, NULL, sum(events[step])) AS events,
    if(step = 1, NULL, referrals / nullIf(countIf(height >= if(step = 4 AND no_clicks, 2, step - 1)), 0))
        AS part_of_rung_below
FROM
(
    SELECT
        r.campaign_id AS campaign_id,
        r.influencer_id AS influencer_id,
        c.exposure != 'clicks' AND sum(r.clicks) OVER (PARTITION BY r.campaign_id) = 0 AS no_clicks,
        multiIf(donations > 0, 4, clicks > 0, 3,
            impressions_measured > 0 OR impressions_sampled > 0 OR impressions_estimated > 0, 2, 1) AS height,
        [toUInt64(shares), toUInt64(0), toUInt64(clicks), toUInt64(donations)] AS events
    FROM referral_totals AS r
    INNER JOIN (SELECT id, exposure FROM campaigns FINAL) AS c ON c.id = r.campaign_id
    WHERE NOT startsWith(influencer_id, '(')
)
GROUP BY campaign_id, influencer_id, step, rung
HAVING NOT (step = 3 AND max(no_clicks))
COMMENT 'How many links were shared, seen, clicked and brought a gift? By influencer and for (all); events of seen are null, for bases are never added. An appeal that counts no clicks has no rung of them.';
