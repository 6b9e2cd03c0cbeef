-- What boards show, from what conversion has summed: views `shown_x` say what `x` says of the raw rows, and read a few
-- thousand rows where that reads every event.
--
-- Every row here is absolute, so a replay adds nothing: versions of windows, `max`, `argMin` by offset, sets of offsets.
-- A sum that grows with each insert (SummingMergeTree) would count every replayed row again.
--
-- Windows of one size whose ends lie that size apart touch and do not overlap: a chain.  The chain that ends with the
-- newest window of an entity holds all that ever happened to it, for a window is said again whenever one of its minutes
-- changes, and each that holds anything is said once the watermark passes its end.

ALTER TABLE campaigns ADD COLUMN IF NOT EXISTS
    windows Array(Tuple(name String, size UInt32, slide UInt32)) COMMENT 'of its file, sizes in seconds';

-- `line_window` is the chain for series: it slides finely enough to end at every hour, and waits for late events no longer
-- than it is.  `cuts`: it also ends at the appeal's start and end; where it does not, boards ask the raw rows.
CREATE OR REPLACE VIEW chains AS
SELECT
    id AS campaign_id,
    arraySort(w -> (-toInt64(w.size), w.slide), windows)[1] AS longest,
    arraySort(w -> (w.slide, -toInt64(w.size)),
        arrayFilter(w -> w.slide > 0 AND 3600 % w.slide = 0 AND w.size > c.allowed_lateness + w.slide, windows))[1] AS line,
    tupleElement(longest, 'name') AS longest_window,
    greatest(tupleElement(longest, 'size'), 1) AS longest_size,
    tupleElement(line, 'name') AS line_window,
    greatest(tupleElement(line, 'size'), 1) AS line_size,
    line_window != '' AND toUnixTimestamp64Milli(start) % (1000 * toInt64(greatest(tupleElement(line, 'slide'), 1))) = 0
        AND toUnixTimestamp64Milli(end) % (1000 * toInt64(greatest(tupleElement(line, 'slide'), 1))) = 0 AS cuts
FROM campaigns AS c FINAL
COMMENT 'Of which windows are the sums of an appeal made? Ends of one window that lie its size apart touch.';

-- The longest windows of every entity, those of one chain side by side: a chain is asked, the others are passed over.
CREATE TABLE IF NOT EXISTS chained_windows
(
    campaign_id String,
    dimension LowCardinality(String),
    link UInt32 COMMENT 'window_end modulo the size of the window: the same in a whole chain',
    member String,
    window LowCardinality(String),
    window_end DateTime('UTC'),
    shares UInt64,
    impressions_measured UInt64,
    impressions_sampled UInt64,
    impressions_estimated UInt64,
    clicks UInt64,
    donations UInt64,
    refunds UInt64,
    gross Decimal(38, 4),
    fee Decimal(38, 4),
    refunded Decimal(38, 4),
    net Decimal(38, 4),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (campaign_id, dimension, link, member, window, window_end)
COMMENT 'The longest windows of every entity by the chain that they are of; ask group_sums and influencer_sums.';

CREATE MATERIALIZED VIEW IF NOT EXISTS chained_windows_of_conversions TO chained_windows AS
SELECT
    w.campaign_id AS campaign_id,
    w.dimension AS dimension,
    toUInt32(toUnixTimestamp(w.window_end) % c.longest_size) AS link,
    w.member AS member,
    w.window AS window,
    w.window_end AS window_end,
    w.shares AS shares,
    w.impressions_measured AS impressions_measured,
    w.impressions_sampled AS impressions_sampled,
    w.impressions_estimated AS impressions_estimated,
    w.clicks AS clicks,
    w.donations AS donations,
    w.refunds AS refunds,
    w.gross AS gross,
    w.fee AS fee,
    w.refunded AS refunded,
    w.net AS net,
    w.version AS version
FROM conversions AS w
INNER JOIN (SELECT campaign_id, longest_window, longest_size FROM chains) AS c
    ON c.campaign_id = w.campaign_id AND c.longest_window = w.window
COMMENT 'What of conversions does chained_windows keep?';

-- An end and its link as one number, so that the newest of both is a `max`: window_end * 2^32 + link.
CREATE TABLE IF NOT EXISTS newest_chained
(
    campaign_id String,
    dimension LowCardinality(String),
    member String,
    window LowCardinality(String),
    newest SimpleAggregateFunction(max, UInt64),
    newest_full SimpleAggregateFunction(max, UInt64) COMMENT 'of windows that ever held anything'
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, dimension, member, window)
COMMENT 'Where the chain of every entity ends; ask chain_ends.';

CREATE MATERIALIZED VIEW IF NOT EXISTS newest_chained_of_windows TO newest_chained AS
SELECT
    campaign_id,
    dimension,
    member,
    window,
    max(toUInt64(toUnixTimestamp(window_end)) * 4294967296 + link) AS newest,
    maxIf(toUInt64(toUnixTimestamp(window_end)) * 4294967296 + link, shares + impressions_measured + impressions_sampled
        + impressions_estimated + clicks + donations + refunds > 0) AS newest_full
FROM chained_windows
GROUP BY campaign_id, dimension, member, window
COMMENT 'What of chained_windows does newest_chained keep?';

-- Whose newest window is empty has nothing left to come: each of its chains is whole, so that of the others is asked.
CREATE OR REPLACE VIEW chain_ends AS
SELECT
    n.campaign_id AS campaign_id,
    n.dimension AS dimension,
    n.member AS member,
    n.window AS window,
    if(n.newest_full >= n.newest, n.newest, m.newest_of_all) AS chosen,
    toDateTime(intDiv(chosen, 4294967296), 'UTC') AS chain_end,
    toUInt32(chosen % 4294967296) AS link
FROM (SELECT * FROM newest_chained FINAL) AS n
INNER JOIN
(
    SELECT campaign_id, dimension, window, max(newest) AS newest_of_all
    FROM newest_chained
    WHERE (campaign_id, window) IN (SELECT campaign_id, longest_window FROM chains)
    GROUP BY campaign_id, dimension, window
) AS m ON m.campaign_id = n.campaign_id AND m.dimension = n.dimension AND m.window = n.window
COMMENT 'Which windows of an entity add up to all that happened to it? Those of its `link` that end by chain_end.';

-- Few members: all of their chains are read.
CREATE OR REPLACE VIEW group_sums AS
SELECT
    w.campaign_id AS campaign_id,
    toString(w.dimension) AS dimension,
    w.member AS member,
    sum(w.shares) AS shares,
    sum(w.impressions_measured) AS impressions_measured,
    sum(w.impressions_sampled) AS impressions_sampled,
    sum(w.impressions_estimated) AS impressions_estimated,
    sum(w.clicks) AS clicks,
    sum(w.donations) AS donations,
    sum(w.refunds) AS refunds,
    sum(w.gross) AS gross,
    sum(w.refunded) AS refunded,
    sum(w.fee) AS fee,
    sum(w.net) AS net
FROM (SELECT * FROM chained_windows FINAL WHERE dimension IN ('campaign', 'channel', 'tie')) AS w
INNER JOIN (SELECT * FROM chain_ends WHERE dimension IN ('campaign', 'channel', 'tie')) AS e
    ON e.campaign_id = w.campaign_id AND e.dimension = w.dimension AND e.member = w.member AND e.link = w.link
    AND e.window = w.window
WHERE w.window_end <= e.chain_end
GROUP BY campaign_id, dimension, member
COMMENT 'What came of each campaign, channel and tie so far? Summed from windows of conversion.';

-- Many members, and most of their chains end together: only chains that anybody ends with are read.
CREATE OR REPLACE VIEW influencer_sums AS
SELECT
    w.campaign_id AS campaign_id,
    w.member AS influencer_id,
    sum(w.shares) AS shares,
    sum(w.impressions_measured) AS impressions_measured,
    sum(w.impressions_sampled) AS impressions_sampled,
    sum(w.impressions_estimated) AS impressions_estimated,
    sum(w.clicks) AS clicks,
    sum(w.donations) AS donations,
    sum(w.refunds) AS refunds,
    sum(w.gross) AS gross,
    sum(w.refunded) AS refunded,
    sum(w.fee) AS fee,
    sum(w.net) AS net
FROM
(
    SELECT * FROM chained_windows FINAL
    WHERE dimension = 'influencer' AND (campaign_id, dimension, link) IN
        (SELECT DISTINCT campaign_id, dimension, link FROM chain_ends WHERE dimension = 'influencer')
) AS w
INNER JOIN (SELECT * FROM chain_ends WHERE dimension = 'influencer') AS e
    ON e.campaign_id = w.campaign_id AND e.member = w.member AND e.link = w.link AND e.window = w.window
WHERE w.window_end <= e.chain_end
GROUP BY campaign_id, influencer_id
COMMENT 'What came of each influencer so far? (direct) and (unattributed) are rows too. Summed from windows of conversion.';

-- How far did a link come?  Sets, so a replay adds nothing.
CREATE TABLE IF NOT EXISTS links
(
    campaign_id String,
    referral_id String,
    seen SimpleAggregateFunction(max, UInt8),
    clicked SimpleAggregateFunction(max, UInt8),
    gave SimpleAggregateFunction(max, UInt8)
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, referral_id)
COMMENT 'How far each link came; ask shown_ladder.';

CREATE MATERIALIZED VIEW IF NOT EXISTS links_of_impressions TO links AS
SELECT campaign_id, referral_id, toUInt8(1) AS seen FROM impressions GROUP BY campaign_id, referral_id
COMMENT 'What of impressions does links keep?';

CREATE MATERIALIZED VIEW IF NOT EXISTS links_of_clicks TO links AS
SELECT campaign_id, referral_id, toUInt8(1) AS clicked FROM clicks GROUP BY campaign_id, referral_id
COMMENT 'What of clicks does links keep?';

CREATE MATERIALIZED VIEW IF NOT EXISTS links_of_donations TO links AS
SELECT campaign_id, referral_id, toUInt8(1) AS gave
FROM donations
WHERE kind = 'donation' AND referral_id != ''
GROUP BY campaign_id, referral_id
COMMENT 'What of donations does links keep?';

INSERT INTO links (campaign_id, referral_id, seen)
SELECT campaign_id, referral_id, 1 FROM impressions GROUP BY campaign_id, referral_id;

INSERT INTO links (campaign_id, referral_id, clicked)
SELECT campaign_id, referral_id, 1 FROM clicks GROUP BY campaign_id, referral_id;

INSERT INTO links (campaign_id, referral_id, gave)
SELECT campaign_id, referral_id, 1
FROM donations
WHERE kind = 'donation' AND referral_id != ''
GROUP BY campaign_id, referral_id;

-- Whose a link is, the first share of the log says; it may come after others.
CREATE TABLE IF NOT EXISTS claims
(
    campaign_id String,
    referral_id String,
    influencer_id String,
    channel LowCardinality(String),
    tie LowCardinality(String),
    first_offset SimpleAggregateFunction(min, UInt64),
    reach SimpleAggregateFunction(max, UInt64),
    first_share_at SimpleAggregateFunction(min, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, referral_id, influencer_id, channel, tie)
COMMENT 'Who has shared each link; ask owners.';

CREATE MATERIALIZED VIEW IF NOT EXISTS claims_of_shares TO claims AS
SELECT campaign_id, referral_id, influencer_id, channel, tie, min(source_offset) AS first_offset, max(audience) AS reach,
    min(occurred_at) AS first_share_at
FROM shares
GROUP BY campaign_id, referral_id, influencer_id, channel, tie
COMMENT 'What of shares does claims keep?';

INSERT INTO claims
SELECT campaign_id, referral_id, influencer_id, channel, tie, min(source_offset), max(audience), min(occurred_at)
FROM shares
GROUP BY campaign_id, referral_id, influencer_id, channel, tie;

CREATE OR REPLACE VIEW owners AS
SELECT
    campaign_id,
    referral_id,
    argMin(c.influencer_id, c.begun) AS influencer_id,
    argMin(c.first_channel, c.begun) AS channel,
    argMin(c.first_tie, c.begun) AS owner_tie,
    toUInt64(argMin(c.most, c.begun)) AS reach,
    toDateTime64(argMin(c.earliest, c.begun), 3, 'UTC') AS first_share_at,
    count() > 1 AS contested
FROM
(
    SELECT campaign_id, referral_id, influencer_id, min(first_offset) AS begun, argMin(channel, first_offset) AS first_channel,
        argMin(tie, first_offset) AS first_tie, max(reach) AS most, min(first_share_at) AS earliest
    FROM claims
    GROUP BY campaign_id, referral_id, influencer_id
) AS c
GROUP BY campaign_id, referral_id
COMMENT 'Whose is each link? Of its first share: influencer, channel, tie; reach and first_share_at of all shares that count.';

-- Offsets of a partition follow each other, so a set of them is a few runs.
CREATE TABLE IF NOT EXISTS minutes_of_records
(
    topic LowCardinality(String),
    minute_end DateTime('UTC'),
    source_partition UInt16,
    offsets AggregateFunction(groupBitmap, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (topic, minute_end, source_partition)
COMMENT 'Which records came in each minute of record time; ask shown_throughput.';

CREATE MATERIALIZED VIEW IF NOT EXISTS minutes_of_shares TO minutes_of_records AS
SELECT 'shares' AS topic, toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset) AS offsets
FROM shares
GROUP BY minute_end, source_partition
COMMENT 'What of shares does minutes_of_records keep?';

INSERT INTO minutes_of_records
SELECT 'shares', toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset)
FROM shares
GROUP BY minute_end, source_partition;

CREATE MATERIALIZED VIEW IF NOT EXISTS minutes_of_impressions TO minutes_of_records AS
SELECT 'impressions' AS topic, toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset) AS offsets
FROM impressions
GROUP BY minute_end, source_partition
COMMENT 'What of impressions does minutes_of_records keep?';

INSERT INTO minutes_of_records
SELECT 'impressions', toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset)
FROM impressions
GROUP BY minute_end, source_partition;

CREATE MATERIALIZED VIEW IF NOT EXISTS minutes_of_clicks TO minutes_of_records AS
SELECT 'clicks' AS topic, toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset) AS offsets
FROM clicks
GROUP BY minute_end, source_partition
COMMENT 'What of clicks does minutes_of_records keep?';

INSERT INTO minutes_of_records
SELECT 'clicks', toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset)
FROM clicks
GROUP BY minute_end, source_partition;

CREATE MATERIALIZED VIEW IF NOT EXISTS minutes_of_donations TO minutes_of_records AS
SELECT 'donations' AS topic, toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset) AS offsets
FROM donations
GROUP BY minute_end, source_partition
COMMENT 'What of donations does minutes_of_records keep?';

INSERT INTO minutes_of_records
SELECT 'donations', toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset)
FROM donations
GROUP BY minute_end, source_partition;

CREATE OR REPLACE VIEW shown_influencers AS
SELECT
    s.campaign_id AS campaign_id,
    s.influencer_id AS influencer_id,
    coalesce(l.most, 0) AS reach,
    if(coalesce(l.number, 0) = 0, NULL, l.earliest) AS first_share_at,
    coalesce(l.number, 0) AS referrals,
    s.shares AS shares,
    s.impressions_measured AS impressions_measured,
    s.impressions_sampled AS impressions_sampled,
    s.impressions_estimated AS impressions_estimated,
    s.clicks AS clicks,
    s.donations AS donations,
    s.refunds AS refunds,
    s.gross AS gross,
    s.refunded AS refunded,
    s.fee AS fee,
    s.net AS net
FROM (SELECT * FROM influencer_sums WHERE NOT startsWith(influencer_id, '(')) AS s
LEFT JOIN
(
    SELECT campaign_id, influencer_id, max(reach) AS most, min(first_share_at) AS earliest, count() AS number
    FROM owners
    GROUP BY campaign_id, influencer_id
) AS l ON l.campaign_id = s.campaign_id AND l.influencer_id = s.influencer_id
COMMENT 'Who has shared in each appeal, and what did each bring? influencer_totals without donors, from results.';

-- Sums from the beginning up to each end of the line's windows: in a chain they add up.
CREATE OR REPLACE VIEW entity_lines AS
SELECT
    w.campaign_id AS campaign_id,
    w.dimension AS dimension,
    w.member AS member,
    w.window_end AS window_end,
    sum(w.shares) OVER chain AS shares,
    sum(w.impressions_measured) OVER chain AS impressions_measured,
    sum(w.impressions_sampled) OVER chain AS impressions_sampled,
    sum(w.impressions_estimated) OVER chain AS impressions_estimated,
    sum(w.clicks) OVER chain AS clicks,
    sum(w.donations) OVER chain AS donations,
    sum(w.refunds) OVER chain AS refunds,
    sum(w.gross) OVER chain AS gross,
    sum(w.refunded) OVER chain AS refunded,
    sum(w.net) OVER chain AS net
FROM
(
    SELECT v.*, toUnixTimestamp(v.window_end) % c.line_size AS link
    FROM conversions AS v FINAL
    INNER JOIN (SELECT campaign_id, line_window, line_size FROM chains WHERE cuts) AS c
        ON c.campaign_id = v.campaign_id AND c.line_window = v.window
) AS w
WINDOW chain AS (PARTITION BY w.campaign_id, w.dimension, w.member, w.link ORDER BY w.window_end ASC
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
COMMENT 'How did the sums of each entity grow? From the beginning up to each window_end, from results; none where no window ends at the start and end of the appeal.';

CREATE OR REPLACE VIEW campaign_lines AS
SELECT campaign_id, window_end, shares, impressions_measured, impressions_sampled, impressions_estimated, clicks,
    donations, gross, net
FROM entity_lines
WHERE dimension = 'campaign'
COMMENT 'How did the sums of an appeal grow? From the beginning up to each window_end.';

CREATE OR REPLACE VIEW shown_hours AS
SELECT campaign_id, hour_end, sum(shares) AS shares, sum(impressions_measured) AS impressions_measured,
    sum(impressions_sampled) AS impressions_sampled, sum(impressions_estimated) AS impressions_estimated,
    sum(clicks) AS clicks, sum(donations) AS donations, sum(gross) AS gross, sum(net) AS net
FROM
(
    SELECT
        campaign_id,
        hour_end,
        toInt64(h.shares) - toInt64(lagInFrame(h.shares, 1, 0) OVER hour) AS shares,
        toInt64(h.impressions_measured) - toInt64(lagInFrame(h.impressions_measured, 1, 0) OVER hour) AS impressions_measured,
        toInt64(h.impressions_sampled) - toInt64(lagInFrame(h.impressions_sampled, 1, 0) OVER hour) AS impressions_sampled,
        toInt64(h.impressions_estimated) - toInt64(lagInFrame(h.impressions_estimated, 1, 0) OVER hour) AS impressions_estimated,
        toInt64(h.clicks) - toInt64(lagInFrame(h.clicks, 1, 0) OVER hour) AS clicks,
        toInt64(h.donations) - toInt64(lagInFrame(h.donations, 1, 0) OVER hour) AS donations,
        h.gross - lagInFrame(h.gross, 1, toDecimal128(0, 4)) OVER hour AS gross,
        h.net - lagInFrame(h.net, 1, toDecimal128(0, 4)) OVER hour AS net
    FROM
    (
        SELECT campaign_id, toDateTime(toStartOfHour(l.window_end - INTERVAL 1 SECOND) + INTERVAL 1 HOUR, 'UTC') AS hour_end,
            argMax(l.shares, l.window_end) AS shares,
            argMax(l.impressions_measured, l.window_end) AS impressions_measured,
            argMax(l.impressions_sampled, l.window_end) AS impressions_sampled,
            argMax(l.impressions_estimated, l.window_end) AS impressions_estimated,
            argMax(l.clicks, l.window_end) AS clicks,
            argMax(l.donations, l.window_end) AS donations,
            argMax(l.gross, l.window_end) AS gross,
            argMax(l.net, l.window_end) AS net
        FROM campaign_lines AS l
        GROUP BY campaign_id, hour_end
    ) AS h
    WINDOW hour AS (PARTITION BY campaign_id ORDER BY hour_end ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    UNION ALL
    SELECT campaign_id, toStartOfHour(start)
        + toIntervalHour(arrayJoin(range(1, toUInt32(least(coalesce(hours_in, 0), 2400)) + 2))) AS hour_end,
        toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toDecimal128(0, 4), toDecimal128(0, 4)
    FROM campaign_clock
    WHERE hours_in IS NOT NULL
    UNION ALL
    SELECT campaign_id, hour_end, toInt64(t.shares), toInt64(t.impressions_measured), toInt64(t.impressions_sampled),
        toInt64(t.impressions_estimated), toInt64(t.clicks), toInt64(t.donations), t.gross, t.net
    FROM hourly_totals AS t
    WHERE campaign_id IN (SELECT campaign_id FROM chains WHERE NOT cuts)
)
GROUP BY campaign_id, hour_end
COMMENT 'What happened in each hour, those included in which nothing did? As hours, from results.';

-- What the appeal has brought, and of that what came before its start and after its end.
CREATE OR REPLACE VIEW shown_figures AS
SELECT * EXCEPT (z2, middle, half)
FROM
(
    SELECT
        c.id AS campaign_id,
        toString(c.currency) AS currency,
        c.goal AS goal,
        coalesce(s.shares, 0) AS shares,
        coalesce(s.impressions_measured, 0) AS impressions_measured,
        coalesce(s.impressions_sampled, 0) AS impressions_sampled,
        coalesce(s.impressions_estimated, 0) AS impressions_estimated,
        coalesce(s.clicks, 0) AS clicks,
        coalesce(s.donations, 0) AS donations,
        coalesce(s.gross, toDecimal128(0, 4)) AS gross_total,
        coalesce(s.refunded, toDecimal128(0, 4)) AS refunded,
        coalesce(s.net, toDecimal128(0, 4)) AS net,
        if(c.goal > 0, toFloat64(gross_total) / toFloat64(c.goal), NULL) AS part_of_goal,
        toString(c.exposure) AS exposure,
        multiIf(c.exposure = 'impressions_measured', impressions_measured,
            c.exposure = 'impressions_sampled', impressions_sampled,
            c.exposure = 'impressions_estimated', impressions_estimated, clicks) AS exposures,
        if(exposures > 0, donations / exposures, NULL) AS conversion,
        -- Wilson's interval, 95 %; none where there are more gifts than exposures, for then it is no proportion.
        pow(1.959964, 2) AS z2,
        (donations + z2 / 2) / (exposures + z2) AS middle,
        sqrt(z2 * (donations * (toFloat64(exposures) - donations) / exposures + z2 / 4)) / (exposures + z2) AS half,
        if(exposures > 0 AND donations <= exposures, greatest(middle - half, 0.), NULL) AS conversion_low,
        if(exposures > 0 AND donations <= exposures, least(middle + half, 1.), NULL) AS conversion_high
    FROM (SELECT * FROM campaigns FINAL) AS c
    LEFT JOIN (SELECT * FROM group_sums WHERE dimension = 'campaign') AS s ON s.campaign_id = c.id
)
COMMENT 'How does the appeal stand? The part of appeal_figures that results hold.';

CREATE OR REPLACE VIEW shown_phases AS
SELECT
    c.id AS campaign_id,
    if(k.cuts, toInt64(coalesce(l.donations_by_end, 0)) - toInt64(coalesce(l.donations_by_start, 0)),
        toInt64(coalesce(r.donations_48h, 0))) AS donations_48h,
    if(k.cuts, toInt64(coalesce(l.donations, 0)) - toInt64(coalesce(l.donations_by_end, 0)),
        toInt64(coalesce(r.donations_late, 0))) AS donations_late,
    if(k.cuts, coalesce(l.gross, toDecimal128(0, 4)) - coalesce(l.gross_by_end, toDecimal128(0, 4)),
        coalesce(r.gross_late, toDecimal128(0, 4))) AS gross_late
FROM (SELECT id FROM campaigns FINAL) AS c
INNER JOIN chains AS k ON k.campaign_id = c.id
LEFT JOIN
(
    SELECT
        n.campaign_id AS campaign_id,
        argMax(n.donations, n.window_end) AS donations,
        argMax(n.gross, n.window_end) AS gross,
        argMaxIf(n.donations, n.window_end, n.window_end <= b.start) AS donations_by_start,
        argMaxIf(n.donations, n.window_end, n.window_end <= b.end) AS donations_by_end,
        argMaxIf(n.gross, n.window_end, n.window_end <= b.end) AS gross_by_end
    FROM campaign_lines AS n
    INNER JOIN (SELECT id, start, end FROM campaigns FINAL) AS b ON b.id = n.campaign_id
    GROUP BY campaign_id
) AS l ON l.campaign_id = c.id
LEFT JOIN
(
    SELECT campaign_id, donations_48h, donations_late, gross_late
    FROM appeal_money
    WHERE campaign_id IN (SELECT campaign_id FROM chains WHERE NOT cuts)
) AS r ON r.campaign_id = c.id
COMMENT 'What came within the 48 hours, and what after them? From results.';

CREATE OR REPLACE VIEW shown_pace AS
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
FROM shown_figures AS f
INNER JOIN shown_phases AS p ON p.campaign_id = f.campaign_id
INNER JOIN campaign_clock AS k ON k.campaign_id = f.campaign_id
COMMENT 'Is the appeal on pace? As appeal_pace, from results.';

-- A point where the money changed, and at the start, the end and where the line is known: these say what the newest
-- before them says.
CREATE OR REPLACE VIEW shown_money AS
SELECT
    p.campaign_id AS campaign_id,
    p.minute_end AS minute_end,
    tupleElement(p.sums, 1) AS gross,
    tupleElement(p.sums, 2) AS net,
    k.goal AS goal,
    toDecimal128(toFloat64(k.goal) * least(1., greatest(0.,
        dateDiff('second', k.start, p.minute_end) / dateDiff('second', k.start, k.end))), 4) AS even_pace
FROM
(
    SELECT campaign_id, minute_end, argMax(m.newest, m.said) AS sums, max(m.kept) AS kept
    FROM
    (
        SELECT
            campaign_id,
            minute_end,
            said,
            argMax((a.gross, a.net), (a.said, a.minute_end)) OVER so_far AS newest,
            said = 0 OR (a.gross, a.net) != lagInFrame((a.gross, a.net), 1, (toDecimal128(0, 4), toDecimal128(0, 4))) OVER lines AS kept
        FROM
        (
            SELECT campaign_id, window_end AS minute_end, gross, net, 1 AS said FROM campaign_lines
            UNION ALL
            SELECT campaign_id, toDateTime(toStartOfMinute(arrayJoin([start, end, assumeNotNull(complete_up_to)])), 'UTC')
                AS minute_end, toDecimal128(0, 4), toDecimal128(0, 4), 0
            FROM campaign_clock
            WHERE hours_in IS NOT NULL AND minute_end <= complete_up_to
                AND campaign_id IN (SELECT campaign_id FROM chains WHERE cuts)
        ) AS a
        WINDOW so_far AS (PARTITION BY campaign_id ORDER BY minute_end ASC, said ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
            lines AS (PARTITION BY campaign_id, said ORDER BY minute_end ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ) AS m
    GROUP BY campaign_id, minute_end
    HAVING kept
) AS p
INNER JOIN (SELECT id, start, end, goal FROM campaigns FINAL) AS k ON k.id = p.campaign_id
UNION ALL
SELECT campaign_id, minute_end, gross, net, goal, even_pace
FROM money_over_time
WHERE campaign_id IN (SELECT campaign_id FROM chains WHERE NOT cuts)
COMMENT 'How did the money grow? As money_over_time, from results.';

CREATE OR REPLACE VIEW shown_funnel AS
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
FROM shown_figures AS f
COMMENT 'How many shares, impressions, clicks and donations? As funnel, from results.';

CREATE OR REPLACE VIEW shown_conversion_now AS
SELECT campaign_id, dimension, member, window, seconds, window_end AS up_to, counts, rate, rate_low, rate_high, shown_rate,
    exposure, concat(counts, ' ', multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions'))) AS counted
FROM newest_windows
UNION ALL
SELECT
    f.campaign_id,
    'campaign',
    f.campaign_id,
    'all',
    4294967295,
    k.complete_up_to,
    concat(toString(f.donations), ' of ', toString(f.exposures)) AS of_all,
    f.conversion,
    f.conversion_low,
    f.conversion_high,
    if(f.exposures >= 20, f.conversion, NULL),
    f.exposure AS exposure,
    concat(of_all, ' ', multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions')))
FROM shown_figures AS f
INNER JOIN campaign_clock AS k ON k.campaign_id = f.campaign_id
WHERE k.heard = 1
COMMENT 'What is the conversion now, over each window and over all? As conversion_now, from results.';

CREATE OR REPLACE VIEW shown_group_conversion AS
SELECT * EXCEPT (z2, middle, half)
FROM
(
    SELECT
        g.campaign_id AS campaign_id,
        g.dimension AS dimension,
        g.member AS member,
        g.clicks AS clicks,
        g.donations AS donations,
        g.gross AS gross,
        pow(1.959964, 2) AS z2,
        (donations + z2 / 2) / (exposures + z2) AS middle,
        sqrt(z2 * (donations * (toFloat64(exposures) - donations) / nullIf(exposures, 0) + z2 / 4))
            / (exposures + z2) AS half,
        if(exposures > 0, donations / exposures, NULL) AS conversion,
        if(exposures > 0 AND donations <= exposures, greatest(middle - half, 0.), NULL) AS conversion_low,
        if(exposures > 0 AND donations <= exposures, least(middle + half, 1.), NULL) AS conversion_high,
        concat(toString(donations), ' of ', toString(exposures)) AS counts,
        toString(c.exposure) AS exposure,
        multiIf(c.exposure = 'impressions_measured', g.impressions_measured,
            c.exposure = 'impressions_sampled', g.impressions_sampled,
            c.exposure = 'impressions_estimated', g.impressions_estimated, g.clicks) AS exposures,
        concat(counts, ' ', multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions'))) AS counted
    FROM (SELECT * FROM group_sums WHERE dimension IN ('channel', 'tie')) AS g
    INNER JOIN (SELECT id, exposure FROM campaigns FINAL) AS c ON c.id = g.campaign_id
)
COMMENT 'Which channel, and which tie of the sharer, converts? As group_conversion, from results.';

-- How far did the links come?  A link that was clicked was seen, one that brought a gift was clicked: each rung holds
-- the links that came at least so far, so no rung is longer than the one below.  Where clicks are not counted at all,
-- nothing is said of them.
CREATE OR REPLACE VIEW shown_ladder AS
SELECT
    r.campaign_id AS campaign_id,
    r.influencer_id AS influencer_id,
    tupleElement(pair, 1) AS step,
    tupleElement(pair, 2) AS rung,
    r.heights[step] AS referrals,
    -- Nobody knows how often a link was seen: measured, sampled and estimated impressions are never added.
    if(step = 2, NULL, r.events[step]) AS events,
    if(step = 1, NULL, referrals / nullIf(r.heights[if(step = 4 AND c.no_clicks, 2, step - 1)], 0)) AS part_of_rung_below
FROM
(
    SELECT
        campaign_id,
        influencer_id,
        [sum(shared), sum(seen), sum(clicked), sum(gave)] AS heights,
        [sum(n.shares), toUInt64(0), sum(n.clicks), sum(n.donations)] AS events
    FROM
    (
        SELECT campaign_id, whose, count() AS shared, countIf(l.height >= 2) AS seen, countIf(l.height >= 3) AS clicked,
            countIf(l.height >= 4) AS gave, toUInt64(0) AS shares, toUInt64(0) AS clicks, toUInt64(0) AS donations
        FROM
        (
            SELECT campaign_id, referral_id, max(o.influencer_id) AS whose, max(o.height) AS height
            FROM
            (
                SELECT campaign_id, referral_id, influencer_id, 1 AS height FROM owners
                UNION ALL
                SELECT campaign_id, referral_id, '', multiIf(k.gave = 1, 4, k.clicked = 1, 3, k.seen = 1, 2, 1)
                FROM links AS k
            ) AS o
            GROUP BY campaign_id, referral_id
        ) AS l
        WHERE whose != ''
        GROUP BY campaign_id, whose
        UNION ALL
        SELECT campaign_id, influencer_id, 0, 0, 0, 0, s.shares, s.clicks, s.donations
        FROM influencer_sums AS s
        WHERE NOT startsWith(influencer_id, '(')
    ) AS n
    ARRAY JOIN [whose, '(all)'] AS influencer_id
    GROUP BY campaign_id, influencer_id
) AS r
INNER JOIN
(
    SELECT f.id AS campaign_id, f.exposure != 'clicks' AND coalesce(g.clicks, 0) = 0 AS no_clicks
    FROM (SELECT id, exposure FROM campaigns FINAL) AS f
    LEFT JOIN
    (
        SELECT campaign_id, sum(s.clicks) AS clicks
        FROM group_sums AS s
        WHERE dimension = 'tie' AND NOT startsWith(member, '(')
        GROUP BY campaign_id
    ) AS g ON g.campaign_id = f.id
) AS c ON c.campaign_id = r.campaign_id
ARRAY JOIN [(1, 'shared'), (2, 'seen'), (3, 'clicked'), (4, 'gave')] AS pair
WHERE NOT (step = 3 AND c.no_clicks)
COMMENT 'How many links were shared, seen, clicked and brought a gift? As share_to_gift_ladder, links from sets and events from results.';

-- The laws of celebrities, conversion_priors and leaderboard (0006, 0010), word for word, over what results say.
CREATE OR REPLACE VIEW shown_celebrities AS
SELECT * EXCEPT (d, beyond, exact_low, exact_high, millions)
FROM
(
    SELECT
        campaign_id,
        accounts,
        impressions_measured,
        impressions_sampled,
        impressions_estimated,
        donations,
        least(donations, 1000) AS d,
        toFloat64(d) + 10 + 5 * sqrt(d) AS beyond,
        arrayFold((range_of, i) ->
            if(arraySum(k -> exp(k * log((range_of.1 + range_of.2) / 2) - (range_of.1 + range_of.2) / 2 - lgamma(k + 1)),
                    range(toUInt32(greatest(d, 1)))) > 0.975,
                ((range_of.1 + range_of.2) / 2, range_of.2),
                (range_of.1, (range_of.1 + range_of.2) / 2)),
            range(60), (toFloat64(0), beyond)).1 AS exact_low,
        arrayFold((range_of, i) ->
            if(arraySum(k -> exp(k * log((range_of.1 + range_of.2) / 2) - (range_of.1 + range_of.2) / 2 - lgamma(k + 1)),
                    range(toUInt32(d + 1))) > 0.025,
                ((range_of.1 + range_of.2) / 2, range_of.2),
                (range_of.1, (range_of.1 + range_of.2) / 2)),
            range(60), (toFloat64(0), beyond)).1 AS exact_high,
        multiIf(donations = 0, 0., donations <= 1000, exact_low,
            donations * pow(1 - 1 / (9 * donations) - 1.959964 / (3 * sqrt(donations)), 3)) AS donations_low,
        if(donations <= 1000, exact_high,
            (donations + 1) * pow(1 - 1 / (9 * (donations + 1)) + 1.959964 / (3 * sqrt(donations + 1)), 3)) AS donations_high,
        nullIf(impressions_estimated, 0) / 1000000 AS millions,
        donations / millions AS per_million,
        donations_low / millions AS per_million_low,
        donations_high / millions AS per_million_high
    FROM
    (
        SELECT
            campaign_id,
            count() AS accounts,
            sum(a.impressions_measured) AS impressions_measured,
            sum(a.impressions_sampled) AS impressions_sampled,
            sum(a.impressions_estimated) AS impressions_estimated,
            sum(a.donations) AS donations
        FROM (SELECT * FROM shown_influencers WHERE reach > 100000) AS a
        GROUP BY campaign_id
    )
)
COMMENT 'What do celebrities bring for a million estimated impressions? As celebrities, from results.';

CREATE OR REPLACE VIEW shown_conversion_priors AS
SELECT
    campaign_id,
    members,
    pooled,
    least(greatest(kappa_map * pooled, 0.1), 10.) / pooled AS kappa,
    arraySum(m -> m.1 * kappa / (m.2 + kappa), counts) AS weighted_donations,
    arraySum(m -> m.2 * kappa / (m.2 + kappa), counts) AS weighted_clicks,
    (weighted_donations + 1) / (weighted_clicks + 1 / pooled) AS mean,
    1 / (1 / (kappa * pooled) + 1 / (weighted_clicks * mean + 1)) AS prior_donations,
    prior_donations / mean AS prior_clicks,
    toString(exposure) AS exposure
FROM
(
    SELECT
        campaign_id,
        exposure,
        members,
        -- Sorted: a floating-point sum must not depend on the order in which rows are read.
        arraySort(arrayMap(m -> (toFloat64(m.donations), toFloat64(m.exposures)),
            arrayFilter(m -> m.donations <= m.exposures, members))) AS counts,
        arraySum(m -> m.1, counts) AS donations,
        arraySum(m -> m.2, counts) AS exposures,
        -- Before the first exposure the campaign's own prior; below one, so that the likelihood is finite.
        least(if(exposures > 0, greatest(donations, 0.5) / exposures, prior_conversion), 0.95) AS pooled,
        -- For clicks the grid spans the shapes of 0.1 to 10; a rate far below theirs needs larger weights for the same.
        if(exposure = 'clicks', 1., greatest(0.018 / pooled, 1.)) AS rarer,
        arrayMap(i -> rarer * exp(log(20) + i * (log(200000) - log(20)) / 39), range(40)) AS grid,
        arrayMap(k ->
            arraySum(m ->
                lgamma(m.1 + k * pooled) - lgamma(k * pooled)
                + lgamma(m.2 - m.1 + k * (1 - pooled)) - lgamma(k * (1 - pooled))
                - lgamma(m.2 + k) + lgamma(k), counts)
            - 0.5 * pow(log(k * pooled / 2.8) / 0.7, 2), grid) AS likelihoods,
        grid[indexOf(likelihoods, arrayMax(likelihoods))] AS kappa_map
    FROM
    (
        SELECT
            c.id AS campaign_id,
            any(c.prior_conversion) AS prior_conversion,
            any(c.exposure) AS exposure,
            arraySort(groupArray(CAST(
                (t.influencer_id, t.donations, t.clicks, t.reach, t.referrals, t.shares, t.impressions_measured,
                 t.impressions_sampled, t.impressions_estimated, t.refunds, t.gross, t.refunded, t.fee, t.net,
                 multiIf(c.exposure = 'impressions_measured', t.impressions_measured,
                    c.exposure = 'impressions_sampled', t.impressions_sampled,
                    c.exposure = 'impressions_estimated', t.impressions_estimated, t.clicks)),
                'Tuple(influencer_id String, donations UInt64, clicks UInt64, reach UInt64, referrals UInt64,
                 shares UInt64, impressions_measured UInt64, impressions_sampled UInt64, impressions_estimated UInt64,
                 refunds UInt64, gross Decimal(38, 4), refunded Decimal(38, 4), fee Decimal(38, 4),
                 net Decimal(38, 4),
                 exposures UInt64)'))) AS members
        FROM (SELECT id, prior_conversion, exposure FROM campaigns FINAL) AS c
        INNER JOIN shown_influencers AS t ON t.campaign_id = c.id
        GROUP BY c.id
    )
)
COMMENT 'What conversion does this appeal expect of an influencer before anything is known of them? As conversion_priors, from results.';

CREATE OR REPLACE VIEW shown_leaderboard AS
SELECT
    campaign_id,
    if(rankable, row_number() OVER (
        PARTITION BY campaign_id ORDER BY rankable DESC, rank_score DESC, exposures DESC, influencer_id), NULL) AS position,
    m.influencer_id AS influencer_id,
    m.donations AS donations,
    m.clicks AS clicks,
    if(exposures_known, posterior_donations / posterior_clicks, NULL) AS conversion,
    conversion * pow(greatest(centre - 2.2414 * spread, 0.), 3) AS conversion_low,
    if(exposures_known, least(conversion * pow(centre + 2.2414 * spread, 3), 1.), NULL) AS conversion_high,
    conversion * pow(greatest(centre - 1.2816 * spread, 0.), 3) AS rank_score,
    exposures_known AND m.donations >= 2 AS rankable,
    multiIf(rankable, 'ranked', exposures_known, 'too early to rank',
        concat(multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions')), ' are missing')) AS standing,
    exposures_known AND m.donations > 5 * pooled * m.exposures + 3 * sqrt(5 * pooled * m.exposures) + 2 AS suspicious,
    if(exposures_known AND exposures >= 20, donations / exposures, NULL) AS raw_conversion,
    m.reach AS reach,
    m.referrals AS referrals,
    m.shares AS shares,
    m.impressions_measured AS impressions_measured,
    m.impressions_sampled AS impressions_sampled,
    m.impressions_estimated AS impressions_estimated,
    m.refunds AS refunds,
    m.gross AS gross,
    m.refunded AS refunded,
    m.fee AS fee,
    m.net AS net,
    posterior_donations,
    posterior_clicks,
    exposure,
    m.exposures AS exposures,
    concat(toString(donations), ' of ', toString(exposures), ' ', multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions'))) AS counted
FROM
(
    SELECT
        campaign_id,
        exposure,
        pooled,
        m,
        m.donations <= m.exposures AS exposures_known,
        m.donations + prior_donations AS posterior_donations,
        m.exposures + prior_clicks AS posterior_clicks,
        1 - 1 / (9 * posterior_donations) AS centre,
        1 / (3 * sqrt(posterior_donations)) AS spread
    FROM shown_conversion_priors
    ARRAY JOIN members AS m
)
COMMENT 'Which influencer really moves people? As leaderboard, from results; without donors, whom results do not tell apart.';

-- Impressions of different basis are never added, so each is a topic here.
CREATE OR REPLACE VIEW shown_orphans AS
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

-- A minute without a record beside one with some, and the newest minute of all, are said as 0: a line between two
-- minutes with records would claim those between.
CREATE OR REPLACE VIEW shown_throughput AS
WITH counted AS
(
    SELECT topic, minute_end, sum(number) AS records
    FROM
    (
        SELECT topic, minute_end, groupBitmapMerge(offsets) AS number
        FROM minutes_of_records
        GROUP BY topic, minute_end, source_partition
    )
    GROUP BY topic, minute_end
    UNION ALL
    SELECT 'dead-letters', toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, count()
    FROM dead_letters FINAL
    GROUP BY minute_end
)
SELECT a.topic AS topic, tupleElement(a.point, 1) AS minute_end, sum(tupleElement(a.point, 2)) AS records
FROM
(
    SELECT
        toString(w.topic) AS topic,
        w.newest AS newest,
        arrayJoin([(w.minute_end, w.records), (w.minute_end - INTERVAL 1 MINUTE, toUInt64(0)),
            (w.minute_end + INTERVAL 1 MINUTE, toUInt64(0)), (w.newest, toUInt64(0))]) AS point
    FROM (SELECT topic, minute_end, records, max(minute_end) OVER () AS newest FROM counted) AS w
) AS a
WHERE tupleElement(a.point, 1) <= a.newest
GROUP BY topic, minute_end
COMMENT 'How many records were taken in each minute of record time? One that was sent twice is there twice; 0 on both sides of a hole.';

-- People: sets again.  Who has shared a link that was somebody else's is told apart by asking for the refused claims.
CREATE TABLE IF NOT EXISTS people
(
    campaign_id String,
    person String,
    shared SimpleAggregateFunction(max, UInt8),
    gave SimpleAggregateFunction(max, UInt8)
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, person)
COMMENT 'Who has shared and who gave; ask shown_sharers_not_donors.';

CREATE MATERIALIZED VIEW IF NOT EXISTS people_of_shares TO people AS
SELECT campaign_id, assumeNotNull(sharer_id) AS person, toUInt8(1) AS shared
FROM shares
WHERE sharer_id IS NOT NULL
GROUP BY campaign_id, person
COMMENT 'What of shares does people keep?';

CREATE MATERIALIZED VIEW IF NOT EXISTS people_of_donations TO people AS
SELECT campaign_id, assumeNotNull(donor_id) AS person, toUInt8(1) AS gave
FROM donations
WHERE kind = 'donation' AND donor_id IS NOT NULL
GROUP BY campaign_id, person
COMMENT 'What of donations does people keep?';

INSERT INTO people (campaign_id, person, shared)
SELECT DISTINCT campaign_id, assumeNotNull(sharer_id), 1 FROM shares WHERE sharer_id IS NOT NULL;

INSERT INTO people (campaign_id, person, gave)
SELECT DISTINCT campaign_id, assumeNotNull(donor_id), 1 FROM donations WHERE kind = 'donation' AND donor_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS nameless
(
    campaign_id String,
    topic LowCardinality(String),
    referral_id String,
    influencer_id String COMMENT 'of a share; empty for a gift',
    occurred_at DateTime64(3, 'UTC'),
    event_id UUID
)
ENGINE = ReplacingMergeTree
ORDER BY (campaign_id, topic, referral_id, influencer_id, occurred_at, event_id)
COMMENT 'Shares and gifts by nobody knows whom; ask shown_sharers_not_donors.';

CREATE MATERIALIZED VIEW IF NOT EXISTS nameless_of_shares TO nameless AS
SELECT campaign_id, 'shares' AS topic, referral_id, influencer_id, occurred_at, event_id FROM shares WHERE sharer_id IS NULL
COMMENT 'What of shares does nameless keep?';

CREATE MATERIALIZED VIEW IF NOT EXISTS nameless_of_donations TO nameless AS
SELECT campaign_id, 'donations' AS topic, referral_id, '' AS influencer_id, occurred_at, event_id
FROM donations
WHERE kind = 'donation' AND donor_id IS NULL
COMMENT 'What of donations does nameless keep?';

INSERT INTO nameless
SELECT campaign_id, 'shares', referral_id, influencer_id, occurred_at, event_id FROM shares WHERE sharer_id IS NULL;

INSERT INTO nameless
SELECT campaign_id, 'donations', referral_id, '', occurred_at, event_id
FROM donations
WHERE kind = 'donation' AND donor_id IS NULL;

-- Most links have one claim; the others are few.
CREATE OR REPLACE VIEW refused_claims AS
SELECT referral_id, influencer_id
FROM
(
    SELECT referral_id, influencer_id, min(first_offset) AS begun, min(begun) OVER (PARTITION BY referral_id) AS earliest
    FROM claims
    WHERE campaign_id = {campaign:String} AND referral_id IN
    (
        SELECT referral_id FROM claims WHERE campaign_id = {campaign:String} GROUP BY referral_id
        HAVING min(influencer_id) != max(influencer_id)
    )
    GROUP BY referral_id, influencer_id
)
WHERE begun > earliest
COMMENT 'Who claimed a link that is somebody else''s? Their shares do not count; refused_claims(campaign = ...).';

-- The tie that was said last and is not "unknown", of gifts in the appeal's own time: its bounds are in the key, so that
-- a campaign file that moves them begins anew.  `newest` orders as (occurred_at, event_id) do.
CREATE TABLE IF NOT EXISTS givers
(
    campaign_id String,
    start DateTime64(3, 'UTC'),
    end DateTime64(3, 'UTC'),
    donor String,
    tie LowCardinality(String),
    newest SimpleAggregateFunction(max, UInt256)
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, start, end, donor, tie)
COMMENT 'The ties of everybody who gave within the 48 hours; ask shown_donor_ties.';

CREATE MATERIALIZED VIEW IF NOT EXISTS givers_of_donations TO givers AS
SELECT
    d.campaign_id AS campaign_id,
    c.start AS start,
    c.end AS end,
    assumeNotNull(d.donor_id) AS donor,
    d.tie AS tie,
    max(bitShiftLeft(toUInt256(toUnixTimestamp64Milli(d.occurred_at)), 128) + toUInt256(reinterpretAsUInt128(d.event_id))) AS newest
FROM donations AS d
INNER JOIN (SELECT id, start, end FROM campaigns FINAL) AS c ON c.id = d.campaign_id
WHERE d.kind = 'donation' AND d.donor_id IS NOT NULL AND d.occurred_at >= c.start AND d.occurred_at < c.end
GROUP BY campaign_id, start, end, donor, tie
COMMENT 'What of donations does givers keep?';

CREATE OR REPLACE VIEW shown_donor_ties AS
SELECT campaign_id, tie, count() AS donors
FROM
(
    SELECT campaign_id, donor,
        argMax(g.tie, g.newest + if(g.tie = 'unknown', toUInt256(0), bitShiftLeft(toUInt256(1), 250))) AS tie
    FROM givers AS g
    WHERE (campaign_id, start, end) IN (SELECT id, start, end FROM campaigns FINAL)
    GROUP BY campaign_id, donor
)
GROUP BY campaign_id, tie
COMMENT 'Are the donors of the 48 hours strong or weak ties? As donor_ties, from sets.';

CREATE OR REPLACE VIEW refused_sharers AS
SELECT assumeNotNull(sharer_id) AS person, max((referral_id, influencer_id) NOT IN
    (SELECT referral_id, influencer_id FROM refused_claims(campaign = {campaign:String}))) AS accepted_too
FROM shares
WHERE campaign_id = {campaign:String} AND sharer_id IN
(
    SELECT sharer_id
    FROM shares
    WHERE campaign_id = {campaign:String} AND sharer_id IS NOT NULL AND (referral_id, influencer_id) IN
        (SELECT referral_id, influencer_id FROM refused_claims(campaign = {campaign:String}))
)
GROUP BY person
COMMENT 'Who shared a link that is somebody else''s, and did any share of theirs count? refused_sharers(campaign = ...).';

CREATE OR REPLACE VIEW shown_sharers_not_donors AS
SELECT
    -- Fewer acts of sharing than gifts: their difference counts nobody.
    if(s.shares > 0 AND s.shares >= a.donations_48h, toInt64(s.shares) - toInt64(a.donations_48h), NULL) AS naive,
    p.never_gave AS never_gave,
    greatest(toInt64(p.never_gave) - toInt64(n.gifts), 0) AS lowest,
    toInt64(p.never_gave) + toInt64(n.shares) AS highest
FROM
(
    SELECT donations_48h FROM shown_phases WHERE campaign_id = {campaign:String}
) AS a
CROSS JOIN
(
    SELECT sum(g.shares) AS shares FROM group_sums AS g WHERE campaign_id = {campaign:String} AND dimension = 'campaign'
) AS s
CROSS JOIN
(
    SELECT count() AS never_gave
    FROM people FINAL
    WHERE campaign_id = {campaign:String} AND shared = 1 AND gave = 0 AND person NOT IN
        (SELECT person FROM refused_sharers(campaign = {campaign:String}) WHERE NOT accepted_too)
) AS p
CROSS JOIN
(
    SELECT countIf(topic = 'shares') AS shares, countIf(topic = 'donations') AS gifts
    FROM nameless FINAL
    WHERE campaign_id = {campaign:String} AND (referral_id, influencer_id) NOT IN
        (SELECT referral_id, influencer_id FROM refused_claims(campaign = {campaign:String}))
) AS n
COMMENT 'How many shared but did not give? As sharers_not_donors, people from sets; shown_sharers_not_donors(campaign = ...).';

-- A point where the money changed, at the start and where the line is known.
CREATE OR REPLACE VIEW shown_influencer_money AS
SELECT campaign_id, influencer_id, minute_end, argMax(m.newest, m.said) AS gross
FROM
(
    SELECT
        campaign_id,
        influencer_id,
        minute_end,
        said,
        argMax(a.gross, (a.said, a.minute_end)) OVER so_far AS newest,
        said = 0 OR a.gross != lagInFrame(a.gross, 1, toDecimal128(0, 4)) OVER lines AS kept,
        max(a.donations + a.refunds) OVER whole AS moved
    FROM
    (
        SELECT campaign_id, member AS influencer_id, window_end AS minute_end, gross, donations, refunds, 1 AS said
        FROM entity_lines
        WHERE dimension = 'influencer'
        UNION ALL
        SELECT k.campaign_id, e.member,
            toDateTime(toStartOfMinute(arrayJoin([k.start, assumeNotNull(k.complete_up_to)])), 'UTC') AS minute_end,
            toDecimal128(0, 4), 0, 0, 0
        FROM campaign_clock AS k
        INNER JOIN (SELECT DISTINCT campaign_id, member FROM newest_chained WHERE dimension = 'influencer') AS e
            ON e.campaign_id = k.campaign_id
        WHERE k.hours_in IS NOT NULL AND k.campaign_id IN (SELECT campaign_id FROM chains WHERE cuts)
    ) AS a
    WINDOW so_far AS (PARTITION BY campaign_id, influencer_id ORDER BY minute_end ASC, said ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        lines AS (PARTITION BY campaign_id, influencer_id, said ORDER BY minute_end ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        whole AS (PARTITION BY campaign_id, influencer_id)
) AS m
GROUP BY campaign_id, influencer_id, minute_end
HAVING max(m.kept) AND max(m.moved) > 0
UNION ALL
SELECT campaign_id, influencer_id, minute_end, gross
FROM influencer_money
WHERE campaign_id IN (SELECT campaign_id FROM chains WHERE NOT cuts)
COMMENT 'How did the money of one influencer grow? As influencer_money, from results.';

-- Of one influencer, so that rows of others are passed over.  FINAL by hand, over what is picked: the first copy counts.
CREATE OR REPLACE VIEW links_of AS
SELECT referral_id, channel, owner_tie, reach, first_share_at
FROM owners
WHERE influencer_id = {influencer:String} AND campaign_id = {campaign:String} AND referral_id IN
    (SELECT referral_id FROM claims WHERE campaign_id = {campaign:String} AND influencer_id = {influencer:String})
COMMENT 'Which links are an influencer''s? links_of(campaign = ..., influencer = ...).';

CREATE OR REPLACE VIEW shown_gifts AS
SELECT
    g.occurred_at AS occurred_at,
    g.event_id AS event_id,
    toString(g.kind) AS kind,
    g.amount AS amount,
    toString(g.currency) AS currency,
    g.referral_id AS referral_id,
    s.first_channel AS channel,
    toString(g.tie) AS tie,
    dateDiff('second', s.shared_at, g.occurred_at) / 60 AS minutes_since_share
FROM
(
    SELECT referral_id, occurred_at, event_id, kind, amount, currency, tie
    FROM donations
    WHERE campaign_id = {campaign:String} AND referral_id IN
        (SELECT referral_id FROM links_of(campaign = {campaign:String}, influencer = {influencer:String}))
    ORDER BY occurred_at DESC, event_id, referral_id, source_offset
    LIMIT 1 BY occurred_at, event_id, referral_id
    LIMIT 200
) AS g
INNER JOIN
(
    SELECT referral_id, toString(argMin(channel, source_offset)) AS first_channel, argMin(occurred_at, source_offset) AS shared_at
    FROM shares
    WHERE campaign_id = {campaign:String} AND referral_id IN
        (SELECT referral_id FROM links_of(campaign = {campaign:String}, influencer = {influencer:String}))
    GROUP BY referral_id
) AS s ON s.referral_id = g.referral_id
COMMENT 'Why is each of an influencer''s newest 200 gifts theirs? As donations_explained; shown_gifts(campaign = ..., influencer = ...).';

CREATE OR REPLACE VIEW shown_referrals AS
WITH
picked AS
(
    SELECT l.referral_id AS referral_id, l.channel AS channel, l.owner_tie AS owner_tie, l.first_share_at AS first_share_at,
        l.reach AS reach, coalesce(m.number, 0) AS donations, coalesce(m.brought, toDecimal128(0, 4)) AS gross
    FROM (SELECT * FROM links_of(campaign = {campaign:String}, influencer = {influencer:String})) AS l
    LEFT JOIN
    (
        SELECT referral_id, countIf(kind = 'donation') AS number,
            sumIf(amount, kind = 'donation' AND currency IN
                (SELECT toString(currency) FROM campaigns FINAL WHERE id = {campaign:String})) AS brought
        FROM
        (
            SELECT referral_id, kind, amount, toString(currency) AS currency
            FROM donations
            WHERE campaign_id = {campaign:String} AND referral_id IN
                (SELECT referral_id FROM links_of(campaign = {campaign:String}, influencer = {influencer:String}))
            ORDER BY referral_id, occurred_at, event_id, source_offset
            LIMIT 1 BY referral_id, occurred_at, event_id
        )
        GROUP BY referral_id
    ) AS m ON m.referral_id = l.referral_id
    ORDER BY gross DESC, donations DESC, reach DESC, referral_id
    LIMIT 200
)
SELECT p.referral_id AS referral_id, toString(p.channel) AS channel, toString(p.owner_tie) AS owner_tie,
    p.first_share_at AS first_share_at, p.reach AS reach, coalesce(c.number, 0) AS clicks, p.donations AS donations,
    p.gross AS gross
FROM picked AS p
LEFT JOIN
(
    SELECT referral_id, uniqExact(occurred_at, event_id) AS number
    FROM clicks
    WHERE campaign_id = {campaign:String} AND referral_id IN (SELECT referral_id FROM picked)
    GROUP BY referral_id
) AS c ON c.referral_id = p.referral_id
COMMENT 'What did each of an influencer''s 200 best links bring? As referral_totals; shown_referrals(campaign = ..., influencer = ...).';
