-- What panels show beyond the views before: each figure once, so that a panel only selects, filters and sorts.
--
-- Time in an appeal is `complete_up_to`, never now(): a history that is played is told like one that happens.

ALTER TABLE campaigns ADD COLUMN IF NOT EXISTS
    exposure LowCardinality(String) DEFAULT 'clicks' COMMENT 'the count that donations are held against';

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
    if(phase = 'no records yet', NULL, least(1., greatest(0.,
        dateDiff('second', c.start, complete_up_to) / dateDiff('second', c.start, c.end)))) AS part_of_time,
    toStartOfHour(c.start) - INTERVAL 1 HOUR AS shown_from,
    if(phase = 'tail', assumeNotNull(complete_up_to), c.end) AS shown_until
FROM (SELECT * FROM campaigns FINAL) AS c
LEFT JOIN complete_up_to AS w ON w.campaign_id = c.id
LEFT JOIN (SELECT campaign_id, 1 AS heard FROM conversions WHERE dimension = 'campaign' GROUP BY campaign_id) AS h
    ON h.campaign_id = c.id
COMMENT 'Where is each appeal in its own time? hours_in, hours_left and hours_of_tail as of complete_up_to; a chart of it all spans [shown_from, shown_until].';

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
FROM appeal_figures AS f
INNER JOIN campaign_clock AS k ON k.campaign_id = f.campaign_id
COMMENT 'Is the appeal on pace? pace 1 is an even one: the part of the goal divided by the part of the time that has gone.';

CREATE OR REPLACE VIEW money_over_time AS
SELECT
    m.campaign_id AS campaign_id,
    m.minute_end AS minute_end,
    sum(m.brought) OVER (PARTITION BY m.campaign_id ORDER BY m.minute_end ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS gross,
    sum(m.kept) OVER (PARTITION BY m.campaign_id ORDER BY m.minute_end ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS net,
    k.goal AS goal,
    toDecimal128(toFloat64(k.goal) * least(1., greatest(0.,
        dateDiff('second', k.start, m.minute_end) / dateDiff('second', k.start, k.end))), 4) AS even_pace
FROM
(
    SELECT campaign_id, minute_end, sum(brought) AS brought, sum(kept) AS kept
    FROM
    (
        SELECT campaign_id, toStartOfMinute(occurred_at) + INTERVAL 1 MINUTE AS minute_end, gross AS brought,
            gross - refunded - fee_paid AS kept
        FROM counted_donations
        UNION ALL
        -- The line begins with the appeal and goes on to where it is known, also where nothing was given.
        SELECT campaign_id, toStartOfMinute(arrayJoin([start, end, assumeNotNull(complete_up_to)])) AS minute_end,
            toDecimal128(0, 4), toDecimal128(0, 4)
        FROM campaign_clock
        WHERE hours_in IS NOT NULL AND minute_end <= complete_up_to
    )
    GROUP BY campaign_id, minute_end
) AS m
INNER JOIN (SELECT id, start, end, goal FROM campaigns FINAL) AS k ON k.id = m.campaign_id
COMMENT 'How did the money grow? Sums since the beginning, in the campaign currency, beside the goal and an even pace to it.';

CREATE OR REPLACE VIEW hours AS
SELECT
    t.campaign_id AS campaign_id,
    t.hour_end AS hour_end,
    coalesce(h.shares, 0) AS shares,
    coalesce(h.impressions_measured, 0) AS impressions_measured,
    coalesce(h.impressions_sampled, 0) AS impressions_sampled,
    coalesce(h.impressions_estimated, 0) AS impressions_estimated,
    coalesce(h.clicks, 0) AS clicks,
    coalesce(h.donations, 0) AS donations,
    coalesce(h.gross, toDecimal128(0, 4)) AS gross,
    coalesce(h.net, toDecimal128(0, 4)) AS net
FROM
(
    SELECT DISTINCT campaign_id, hour_end
    FROM
    (
        SELECT campaign_id, toStartOfHour(start)
            + toIntervalHour(arrayJoin(range(1, toUInt32(least(coalesce(hours_in, 0), 2400)) + 2))) AS hour_end
        FROM campaign_clock
        WHERE hours_in IS NOT NULL
        UNION ALL
        SELECT campaign_id, hour_end FROM hourly_totals
    )
) AS t
LEFT JOIN hourly_totals AS h ON h.campaign_id = t.campaign_id AND h.hour_end = t.hour_end
COMMENT 'What happened in each hour, those included in which nothing did? From the start to complete_up_to; an hour is [hour_end - 1 h, hour_end).';

CREATE OR REPLACE VIEW funnel AS
SELECT
    campaign_id,
    tupleElement(arrayJoin([
        (1, 'shares', 'counted', f.shares),
        (2, 'impressions, measured', 'counted by a platform', f.impressions_measured),
        (3, 'impressions, sampled', 'reckoned from a part', f.impressions_sampled),
        (4, 'impressions, estimated', 'guessed from followers', f.impressions_estimated),
        (5, 'clicks', 'counted', f.clicks),
        (6, 'donations', 'counted', f.donations)
    ]) AS step, 1) AS number,
    tupleElement(step, 2) AS stage,
    tupleElement(step, 3) AS known_by,
    tupleElement(step, 4) AS events
FROM appeal_figures AS f
COMMENT 'How many shares, impressions, clicks and donations? The three kinds of impressions are never added.';

-- Wilson's interval, 95 %; none where there are more gifts than exposures, for then it is no proportion.
CREATE OR REPLACE VIEW conversion_windows AS
SELECT * EXCEPT (z2, middle, half)
FROM
(
    SELECT
        w.campaign_id AS campaign_id,
        toString(w.dimension) AS dimension,
        w.member AS member,
        toString(w.window) AS window,
        w.window_end AS window_end,
        toString(c.exposure) AS exposure,
        multiIf(c.exposure = 'impressions_measured', w.impressions_measured,
            c.exposure = 'impressions_sampled', w.impressions_sampled,
            c.exposure = 'impressions_estimated', w.impressions_estimated, w.clicks) AS exposures,
        w.donations AS donations,
        w.gross AS gross,
        w.net AS net,
        pow(1.959964, 2) AS z2,
        (donations + z2 / 2) / (exposures + z2) AS middle,
        sqrt(z2 * (donations * (toFloat64(exposures) - donations) / nullIf(exposures, 0) + z2 / 4))
            / (exposures + z2) AS half,
        if(exposures > 0, donations / exposures, NULL) AS rate,
        if(exposures > 0 AND donations <= exposures, greatest(middle - half, 0.), NULL) AS rate_low,
        if(exposures > 0 AND donations <= exposures, least(middle + half, 1.), NULL) AS rate_high,
        if(exposures >= 20, rate, NULL) AS shown_rate,
        concat(toString(donations), ' of ', toString(exposures)) AS counts,
        w.final AS final,
        w.watermark AS complete_up_to
    FROM current_conversions AS w
    INNER JOIN (SELECT id, exposure FROM campaigns FINAL) AS c ON c.id = w.campaign_id
)
COMMENT 'What is the conversion over each window, with its 95 % interval? Donations per exposure (clicks, unless the campaign says otherwise); shown_rate is null below 20 exposures.';

CREATE OR REPLACE VIEW newest_windows AS
SELECT
    campaign_id,
    dimension,
    member,
    window,
    max(w.window_end) AS window_end,
    argMax((w.exposure, w.exposures, w.donations, w.rate, w.rate_low, w.rate_high, w.shown_rate, w.counts, w.gross,
        w.final), w.window_end) AS newest,
    tupleElement(newest, 1) AS exposure,
    tupleElement(newest, 2) AS exposures,
    tupleElement(newest, 3) AS donations,
    tupleElement(newest, 4) AS rate,
    tupleElement(newest, 5) AS rate_low,
    tupleElement(newest, 6) AS rate_high,
    tupleElement(newest, 7) AS shown_rate,
    tupleElement(newest, 8) AS counts,
    tupleElement(newest, 9) AS gross,
    tupleElement(newest, 10) AS final,
    multiIf(endsWith(window, 'm'), 60, endsWith(window, 'h'), 3600, 1)
        * toUInt32OrZero(extract(window, '[0-9]+')) AS seconds
FROM conversion_windows AS w
GROUP BY campaign_id, dimension, member, window
COMMENT 'What is the conversion now? The newest window of each size; it is behind where nothing has happened since.';

CREATE OR REPLACE VIEW conversion_now AS
SELECT campaign_id, dimension, member, window, seconds, window_end AS up_to, counts, rate, rate_low, rate_high, shown_rate
FROM newest_windows
UNION ALL
SELECT
    f.campaign_id,
    'campaign',
    f.campaign_id,
    'all',
    4294967295,
    k.complete_up_to,
    concat(toString(f.donations), ' of ', toString(f.clicks)),
    f.conversion,
    f.conversion_low,
    f.conversion_high,
    if(f.clicks >= 20, f.conversion, NULL)
FROM appeal_figures AS f
INNER JOIN campaign_clock AS k ON k.campaign_id = f.campaign_id
WHERE k.heard = 1
COMMENT 'What is the conversion now, over each window and over all? Sorted by seconds, the smallest window first.';

CREATE OR REPLACE VIEW group_conversion AS
SELECT * EXCEPT (z2, middle, half)
FROM
(
    SELECT
        campaign_id,
        dimension,
        member,
        clicks,
        donations,
        gross,
        pow(1.959964, 2) AS z2,
        (donations + z2 / 2) / (clicks + z2) AS middle,
        sqrt(z2 * (donations * (toFloat64(clicks) - donations) / nullIf(clicks, 0) + z2 / 4)) / (clicks + z2) AS half,
        if(clicks > 0, donations / clicks, NULL) AS conversion,
        if(clicks > 0 AND donations <= clicks, greatest(middle - half, 0.), NULL) AS conversion_low,
        if(clicks > 0 AND donations <= clicks, least(middle + half, 1.), NULL) AS conversion_high,
        concat(toString(donations), ' of ', toString(clicks)) AS counts
    FROM
    (
        SELECT campaign_id, 'channel' AS dimension, channel AS member, clicks, donations, gross
        FROM channel_totals
        UNION ALL
        SELECT campaign_id, 'tie', owner_tie, sum(t.clicks), sum(t.donations), sum(t.gross)
        FROM referral_totals AS t
        GROUP BY campaign_id, owner_tie
    )
)
COMMENT 'Which channel, and which tie of the sharer, converts? With the 95 % Wilson interval.';

CREATE OR REPLACE VIEW donations_explained AS
SELECT
    d.campaign_id AS campaign_id,
    d.influencer_id AS influencer_id,
    d.occurred_at AS occurred_at,
    d.event_id AS event_id,
    d.donation_id AS donation_id,
    d.kind AS kind,
    d.amount AS amount,
    d.currency AS currency,
    d.referral_id AS referral_id,
    d.channel AS channel,
    d.owner_tie AS owner_tie,
    d.tie AS tie,
    d.phase AS phase,
    d.shared_at AS shared_at,
    dateDiff('second', d.shared_at, d.occurred_at) / 60 AS minutes_since_share,
    d.late AS late
FROM attributed_donations AS d
COMMENT 'Why is each gift whose it is? Its link, channel and ties, and how long after the share it came.';

CREATE OR REPLACE VIEW influencers AS
SELECT
    campaign_id,
    influencer_id,
    reach,
    first_share_at,
    referrals,
    shares,
    clicks,
    donations
FROM influencer_totals
WHERE is_influencer
COMMENT 'Who has shared in each appeal? For choosing one.';

CREATE OR REPLACE VIEW influencer_money AS
SELECT
    campaign_id,
    influencer_id,
    minute_end,
    sum(brought) OVER (PARTITION BY campaign_id, influencer_id ORDER BY minute_end ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS gross,
    sum(gifts) OVER (PARTITION BY campaign_id, influencer_id ORDER BY minute_end ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS donations
FROM
(
    SELECT
        campaign_id,
        influencer_id,
        toStartOfMinute(occurred_at) + INTERVAL 1 MINUTE AS minute_end,
        sum(gross) AS brought,
        countIf(kind = 'donation') AS gifts
    FROM attributed_donations
    GROUP BY campaign_id, influencer_id, minute_end
)
COMMENT 'How did the money of one influencer grow? Sums since the beginning, a row where something was given.';

-- `seconds_behind` leaves the allowed lateness out: a pipeline that keeps up shows about nothing.  A record a day older
-- than the newest report is history that is played; against the wall clock it says nothing, so it is null.
CREATE OR REPLACE VIEW freshness AS
SELECT
    complete,
    newest_record,
    newest_report,
    dateDiff('second', newest_report, now64(3, 'UTC')) AS alive_seconds,
    newest_record < newest_report - INTERVAL 1 DAY AS played,
    if(played OR complete IS NULL, NULL, greatest(dateDiff('second', complete, now64(3, 'UTC')), 0)) AS seconds_behind,
    if(complete IS NULL, NULL, dateDiff('second', complete, newest_record)) AS seconds_between,
    partitions
FROM
(
    SELECT
        nullIf(if(countIf(idle = 0) > 0, minIf(s.clock, idle = 0), max(s.clock)), toDateTime64(0, 3, 'UTC')) AS complete,
        nullIf(max(s.clock), toDateTime64(0, 3, 'UTC')) AS newest_record,
        max(s.computed_at) AS newest_report,
        count() AS partitions
    FROM source_progress AS s
)
WHERE partitions > 0
COMMENT 'Does the pipeline keep up, and is it alive? One row, none before the first report; seconds_behind is null while history is played.';

CREATE OR REPLACE VIEW landing AS
SELECT
    sum(a.produced) AS produced,
    sum(a.in_flight) AS in_flight,
    produced - in_flight AS come_through
FROM accounting AS a
COMMENT 'How many records have come through? One row, zeros before the first report.';

CREATE OR REPLACE VIEW throughput AS
SELECT topic, minute_end, sum(records) AS records
FROM
(
    SELECT 'shares' AS topic, toStartOfMinute(record_time) + INTERVAL 1 MINUTE AS minute_end, count() AS records
    FROM shares FINAL
    GROUP BY minute_end
    UNION ALL
    SELECT 'clicks', toStartOfMinute(record_time) + INTERVAL 1 MINUTE AS minute_end, count()
    FROM clicks FINAL
    GROUP BY minute_end
    UNION ALL
    SELECT 'impressions', toStartOfMinute(record_time) + INTERVAL 1 MINUTE AS minute_end, count()
    FROM impressions FINAL
    GROUP BY minute_end
    UNION ALL
    SELECT 'donations', toStartOfMinute(record_time) + INTERVAL 1 MINUTE AS minute_end, count()
    FROM donations FINAL
    GROUP BY minute_end
    UNION ALL
    SELECT 'dead-letters', toStartOfMinute(record_time) + INTERVAL 1 MINUTE AS minute_end, count()
    FROM dead_letters FINAL
    GROUP BY minute_end
)
GROUP BY topic, minute_end
COMMENT 'How many records came in each minute of record time? Each once, duplicates not counted.';

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

CREATE OR REPLACE VIEW feed_ages AS
SELECT
    f.feed AS feed,
    f.topic AS topic,
    f.campaign_id AS campaign_id,
    f.last_heartbeat AS last_heartbeat,
    if(p.newest_record IS NULL, NULL, greatest(dateDiff('second', f.last_heartbeat, p.newest_record), 0) / 60) AS minutes_silent
FROM feeds AS f
LEFT JOIN (SELECT 1 AS one, max(newest_record) AS newest_record FROM freshness) AS p ON p.one = 1
COMMENT 'Which feeds went silent? Minutes from the last heartbeat of each to the newest record of any.';
