-- Impressions of different basis are never added, so each is a topic here.
CREATE OR REPLACE VIEW orphans AS
SELECT
    campaign_id,
    tupleElement(arrayJoin([
        ('clicks', t.clicks, t.orphaned_clicks),
        ('donations', t.donations, t.orphaned_donations),
        ('impressions, measured', t.measured, t.orphaned_measured),
        ('impressions, sampled', t.sampled, t.orphaned_sampled),
        ('impressions, estimated', t.estimated, t.orphaned_estimated)
    ]) AS counted, 1) AS topic,
    tupleElement(counted, 2) AS events,
    tupleElement(counted, 3) AS unattributed,
    unattributed / nullIf(events, 0) AS part
FROM
(
    SELECT
        campaign_id,
        sumIf(e.clicks, dimension = 'campaign') AS clicks,
        sumIf(e.donations, dimension = 'campaign') AS donations,
        sumIf(e.impressions_measured, dimension = 'campaign') AS measured,
        sumIf(e.impressions_sampled, dimension = 'campaign') AS sampled,
        sumIf(e.impressions_estimated, dimension = 'campaign') AS estimated,
        sumIf(e.clicks, dimension = 'tie') AS orphaned_clicks,
        sumIf(e.donations, dimension = 'tie') AS orphaned_donations,
        sumIf(e.impressions_measured, dimension = 'tie') AS orphaned_measured,
        sumIf(e.impressions_sampled, dimension = 'tie') AS orphaned_sampled,
        sumIf(e.impressions_estimated, dimension = 'tie') AS orphaned_estimated
    FROM group_sums AS e
    WHERE dimension = 'campaign' OR dimension = 'tie' AND member = '(unattributed)'
    GROUP BY campaign_id
) AS t
WHERE events > 0
COMMENT 'How many events wait for the share of their link? They move to its influencer when it comes. From results; impressions as often as they were seen.';
