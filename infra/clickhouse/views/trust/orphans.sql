CREATE OR REPLACE VIEW orphans AS
SELECT
    campaign_id,
    topic,
    sum(events) AS events,
    sum(without_share) AS unattributed,
    unattributed / nullIf(events, 0) AS part
FROM
(
    SELECT
        campaign_id,
        tupleElement(arrayJoin([
            ('clicks', toUInt64(t.clicks)), ('donations', toUInt64(t.donations))
        ]) AS pair, 1) AS topic,
        tupleElement(pair, 2) AS events,
        if(influencer_id = '(unattributed)', events, 0) AS without_share
    FROM influencer_totals AS t
    UNION ALL
    SELECT campaign_id, 'impressions', count(), countIf(influencer_id = '(unattributed)')
    FROM attributed_impressions
    GROUP BY campaign_id
)
GROUP BY campaign_id, topic
COMMENT 'How many events wait for the share of their link? They move to its influencer when it comes.';
