-- What holds rows and what fills them: the events as they came, what the pipeline has said of them, and sets of both that
-- boards read in place of every event.
--
-- Right with every row inserted twice, in whatever batches: nothing rests on insert deduplication.  Raw rows keep the first
-- copy in the log (`precedence` is minus the offset), results are absolute and versioned, so the larger version wins, and
-- every set is made of `max`, `min` or sets of offsets, to which a copy adds nothing.  A sum that grows with each insert
-- (SummingMergeTree) would count every replayed row again.
--
-- A partition of a raw table is a year: `occurred_at` is immutable, and the constraint leaves exactly 100 of them, as many
-- as one insert may touch.  The constraint also stops epoch milliseconds that are read as seconds (the year 58862), after
-- which every query over such a row fails.  Results have one partition each: they are cut by campaign or topic, never by
-- time.  A record's timestamp may be anything a text can say (a producer sets it), but not the year 58862: a row that is
-- refused here would stop the sink for good, one from beyond 9999 every query over it.

-- The key holds the influencer because attribution may refuse a share (`referral_taken`) that is mended and sent
-- again under the same id: the mended copy must survive the merge that drops the later of two equal keys.
CREATE TABLE IF NOT EXISTS shares
(
    event_id UUID,
    campaign_id String,
    referral_id String,
    occurred_at DateTime64(3, 'UTC'),
    record_time DateTime64(3, 'UTC'),
    schema_version UInt16,
    late UInt8,
    source_partition UInt16,
    source_offset UInt64,
    precedence Int64,
    influencer_id String,
    channel LowCardinality(String),
    kind LowCardinality(String),
    audience UInt64,
    tie LowCardinality(String),
    parent_referral_id Nullable(String),
    sharer_id Nullable(String),
    CONSTRAINT occurred_at_in_range CHECK occurred_at >= toDateTime64('2000-01-01 00:00:00', 3, 'UTC')
        AND occurred_at < toDateTime64('2100-01-01 00:00:00', 3, 'UTC'),
    CONSTRAINT record_time_in_range CHECK record_time >= toDateTime64('1999-01-01 00:00:00', 3, 'UTC')
        AND record_time < toDateTime64('2102-01-01 00:00:00', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(precedence)
PARTITION BY toYear(occurred_at)
ORDER BY (campaign_id, referral_id, occurred_at, event_id, influencer_id)
COMMENT 'Shares that the codec accepted, those among them that attribution refused included: ask accepted_shares.';

CREATE TABLE IF NOT EXISTS clicks
(
    event_id UUID,
    campaign_id String,
    referral_id String,
    occurred_at DateTime64(3, 'UTC'),
    record_time DateTime64(3, 'UTC'),
    schema_version UInt16,
    late UInt8,
    source_partition UInt16,
    source_offset UInt64,
    precedence Int64,
    visitor_id Nullable(String),
    CONSTRAINT occurred_at_in_range CHECK occurred_at >= toDateTime64('2000-01-01 00:00:00', 3, 'UTC')
        AND occurred_at < toDateTime64('2100-01-01 00:00:00', 3, 'UTC'),
    CONSTRAINT record_time_in_range CHECK record_time >= toDateTime64('1999-01-01 00:00:00', 3, 'UTC')
        AND record_time < toDateTime64('2102-01-01 00:00:00', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(precedence)
PARTITION BY toYear(occurred_at)
ORDER BY (campaign_id, referral_id, occurred_at, event_id)
COMMENT 'Clicks on shared links, those without a share of theirs included; ask influencers and links_of.';

CREATE TABLE IF NOT EXISTS impressions
(
    event_id UUID,
    campaign_id String,
    referral_id String,
    occurred_at DateTime64(3, 'UTC'),
    record_time DateTime64(3, 'UTC'),
    schema_version UInt16,
    late UInt8,
    source_partition UInt16,
    source_offset UInt64,
    precedence Int64,
    count UInt64,
    basis LowCardinality(String),
    CONSTRAINT occurred_at_in_range CHECK occurred_at >= toDateTime64('2000-01-01 00:00:00', 3, 'UTC')
        AND occurred_at < toDateTime64('2100-01-01 00:00:00', 3, 'UTC'),
    CONSTRAINT record_time_in_range CHECK record_time >= toDateTime64('1999-01-01 00:00:00', 3, 'UTC')
        AND record_time < toDateTime64('2102-01-01 00:00:00', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(precedence)
PARTITION BY toYear(occurred_at)
ORDER BY (campaign_id, referral_id, occurred_at, event_id)
COMMENT 'Views of shared links; measured, sampled and estimated ones are never added.';

CREATE TABLE IF NOT EXISTS donations
(
    event_id UUID,
    campaign_id String,
    referral_id String COMMENT 'empty for a direct gift',
    occurred_at DateTime64(3, 'UTC'),
    record_time DateTime64(3, 'UTC'),
    schema_version UInt16,
    late UInt8,
    source_partition UInt16,
    source_offset UInt64,
    precedence Int64,
    donation_id String,
    kind LowCardinality(String) COMMENT 'donation or refund',
    amount Decimal(38, 4) COMMENT 'always positive',
    fee Nullable(Decimal(38, 4)) COMMENT 'null: not known',
    currency LowCardinality(String),
    donor_id Nullable(String),
    tie LowCardinality(String) COMMENT 'of the donor to the cause',
    CONSTRAINT occurred_at_in_range CHECK occurred_at >= toDateTime64('2000-01-01 00:00:00', 3, 'UTC')
        AND occurred_at < toDateTime64('2100-01-01 00:00:00', 3, 'UTC'),
    CONSTRAINT record_time_in_range CHECK record_time >= toDateTime64('1999-01-01 00:00:00', 3, 'UTC')
        AND record_time < toDateTime64('2102-01-01 00:00:00', 3, 'UTC'),
    CONSTRAINT amount_is_positive CHECK amount > 0
)
ENGINE = ReplacingMergeTree(precedence)
PARTITION BY toYear(occurred_at)
ORDER BY (campaign_id, referral_id, occurred_at, event_id)
COMMENT 'Gifts and refunds; ask attributed_donations or money_ledger.';

CREATE TABLE IF NOT EXISTS conversions
(
    campaign_id String,
    dimension LowCardinality(String) COMMENT 'campaign, influencer, channel or tie',
    member String,
    window LowCardinality(String),
    window_end DateTime('UTC') COMMENT 'the window is [window_end - size, window_end)',
    shares UInt64,
    impressions_measured UInt64,
    impressions_sampled UInt64,
    impressions_estimated UInt64,
    clicks UInt64,
    donations UInt64,
    refunds UInt64,
    currency LowCardinality(String),
    gross Decimal(38, 4),
    fee Decimal(38, 4),
    refunded Decimal(38, 4),
    net Decimal(38, 4),
    other_currencies Map(String, Tuple(gross Decimal(38, 4), fee Decimal(38, 4), refunded Decimal(38, 4))),
    conversion Nullable(Float64) COMMENT 'donations / clicks; null without clicks',
    per_impression Nullable(Float64) COMMENT 'donations / measured impressions; null without them',
    final UInt8 COMMENT '1: the watermark has passed window_end',
    watermark DateTime64(3, 'UTC'),
    version UInt64,
    computed_at DateTime64(3, 'UTC'),
    CONSTRAINT window_end_in_range CHECK window_end >= toDateTime('2000-01-01 00:00:00', 'UTC')
        AND window_end < toDateTime('2102-01-01 00:00:00', 'UTC'),
    CONSTRAINT watermark_in_range CHECK watermark <= toDateTime64('9999-12-31 23:59:59.999', 3, 'UTC'),
    CONSTRAINT computed_at_in_range CHECK computed_at <= toDateTime64('9999-12-31 23:59:59.999', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (campaign_id, dimension, member, window, window_end)
COMMENT 'Every landed version of a window; ask current_conversions.';

CREATE TABLE IF NOT EXISTS watermarks
(
    slices_partition UInt16,
    source_partition UInt16,
    clock DateTime64(3, 'UTC') COMMENT 'newest record time of its sources and heartbeats; 1970: none yet',
    idle UInt8 COMMENT '1: every log was read to its end',
    source_version UInt64,
    version UInt64,
    computed_at DateTime64(3, 'UTC'),
    positions Map(String, UInt64),
    begins Map(String, UInt64),
    ends Map(String, UInt64),
    accepted Map(String, UInt64),
    duplicates Map(String, UInt64),
    dead_lettered Map(String, UInt64),
    late Map(String, UInt64),
    live UInt8 DEFAULT 0 COMMENT '1: the clock ticks with the wall clock; 0: history is played',
    fingerprint String DEFAULT '' COMMENT 'of the settings that the attribution worker judges by',
    passed_over Map(String, UInt64),
    CONSTRAINT clock_in_range CHECK clock <= toDateTime64('9999-12-31 23:59:59.999', 3, 'UTC'),
    CONSTRAINT computed_at_in_range CHECK computed_at <= toDateTime64('9999-12-31 23:59:59.999', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (slices_partition, source_partition)
COMMENT 'How far each partition of slices has taken in each source partition; ask accounting and complete_up_to.';

CREATE TABLE IF NOT EXISTS dead_letters
(
    topic LowCardinality(String),
    source_partition UInt16,
    source_offset UInt64,
    record_time DateTime64(3, 'UTC'),
    processor LowCardinality(String),
    processor_version LowCardinality(String),
    reason LowCardinality(String),
    field String,
    value String,
    expectation String,
    key Nullable(String) COMMENT 'base64',
    payload String COMMENT 'base64' CODEC(ZSTD(3)),
    headers Array(Tuple(String, String)) COMMENT 'values in base64',
    attempts UInt16,
    precedence Int64,
    full_length UInt64 COMMENT 'bytes of the whole payload where the letter is cut; 0: it is whole',
    digest String COMMENT 'SHA-256 of the whole payload where the letter is cut',
    CONSTRAINT record_time_in_range CHECK record_time <= toDateTime64('9999-12-31 23:59:59.999', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(precedence)
ORDER BY (topic, source_partition, source_offset)
COMMENT 'Events that could not be processed, kept whole; ask current_dead_letters.';

-- The campaign files as `groundswell migrate` read them last.
CREATE TABLE IF NOT EXISTS campaigns
(
    id String,
    title String,
    start DateTime64(3, 'UTC'),
    end DateTime64(3, 'UTC') COMMENT 'of the appeal proper, exclusive: what comes after is its tail',
    goal Decimal(38, 4),
    currency LowCardinality(String),
    prior_conversion Float64 COMMENT 'donations per click expected before anything is known',
    allowed_lateness UInt32 COMMENT 'seconds',
    loaded_at DateTime64(3, 'UTC'),
    exposure LowCardinality(String) DEFAULT 'clicks' COMMENT 'the count that donations are held against',
    windows Array(Tuple(name String, size UInt32, slide UInt32)) COMMENT 'of its file, sizes in seconds',
    CONSTRAINT start_in_range CHECK start >= toDateTime64('2000-01-01 00:00:00', 3, 'UTC'),
    CONSTRAINT end_in_range CHECK end < toDateTime64('2102-01-01 00:00:00', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(loaded_at)
ORDER BY id
COMMENT 'One row a campaign file; read it with FINAL.';

CREATE TABLE IF NOT EXISTS stalls
(
    campaign_id String,
    dimension LowCardinality(String) COMMENT 'campaign or influencer',
    member String,
    minute DateTime('UTC') COMMENT 'the end of the minute that the detector had reached',
    state LowCardinality(String) COMMENT 'not_started, ok, slow, stalled, no_traffic, feed_down or tail',
    since DateTime('UTC') COMMENT 'the end of the minute at which the state began',
    changed UInt8 COMMENT '1: another state than a minute before',
    sentence String COMMENT 'for people',
    next_step String COMMENT 'for people',
    exposure LowCardinality(String) COMMENT 'the count that donations are held against',
    exposures_since UInt64 COMMENT 'exposures since the last donation',
    minutes_since Nullable(UInt64) COMMENT 'minutes since the last donation; null before the first',
    last_donation_at Nullable(DateTime('UTC')),
    observed Float64 COMMENT 'donations in the stretch under suspicion',
    expected Float64 COMMENT 'donations that the stretch would have brought at the usual rate',
    chance Nullable(Float64) COMMENT 'of so few donations by luck, the ups and downs of the appeal included',
    usual_rate Nullable(Float64) COMMENT 'donations per exposure',
    level Float64 COMMENT 'the likelihood ratio, ln, of a stop against the usual rate',
    red Float64 COMMENT 'the level that is a stall',
    amber Float64 COMMENT 'the level that is slow',
    exposures_to_confirm Nullable(UInt64) COMMENT 'how many more without a donation would confirm a complete stop',
    silent_feeds Array(String),
    unheard Array(String) COMMENT 'topics for which no feed ever sent a heartbeat',
    version UInt64,
    computed_at DateTime64(3, 'UTC'),
    CONSTRAINT minute_in_range CHECK minute >= toDateTime('2000-01-01 00:00:00', 'UTC')
        AND minute < toDateTime('2102-01-01 00:00:00', 'UTC'),
    CONSTRAINT computed_at_in_range CHECK computed_at <= toDateTime64('9999-12-31 23:59:59.999', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (campaign_id, dimension, member, minute)
COMMENT 'Every minute at which the stall detector said something; ask stall_states and stall_incidents.';

CREATE TABLE IF NOT EXISTS annotations
(
    annotation_id String,
    campaign_id String,
    kind LowCardinality(String) COMMENT 'launch, reminder, note, relabelling or level_accepted',
    at DateTime64(3, 'UTC'),
    until Nullable(DateTime64(3, 'UTC')),
    text String,
    source_partition UInt16,
    source_offset UInt64,
    CONSTRAINT at_in_range CHECK at >= toDateTime64('2000-01-01 00:00:00', 3, 'UTC')
        AND at < toDateTime64('2102-01-01 00:00:00', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(source_offset)
ORDER BY (campaign_id, annotation_id)
COMMENT 'What happened in an appeal, as people say it; ask current_annotations.';

CREATE TABLE IF NOT EXISTS heartbeats
(
    feed String COMMENT 'topic/name',
    campaign_id String COMMENT 'empty: every campaign',
    at DateTime64(3, 'UTC') COMMENT 'everything that happened before was sent',
    record_time DateTime64(3, 'UTC'),
    CONSTRAINT at_in_range CHECK at >= toDateTime64('2000-01-01 00:00:00', 3, 'UTC')
        AND at < toDateTime64('2102-01-01 00:00:00', 3, 'UTC'),
    CONSTRAINT record_time_in_range CHECK record_time <= toDateTime64('9999-12-31 23:59:59.999', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (feed, campaign_id)
COMMENT 'The newest heartbeat of each feed; ask feeds.';

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
COMMENT 'How far each link came; ask ladder.';

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
COMMENT 'Which records came in each minute of record time; ask throughput.';

CREATE MATERIALIZED VIEW IF NOT EXISTS minutes_of_shares TO minutes_of_records AS
SELECT 'shares' AS topic, toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset) AS offsets
FROM shares
GROUP BY minute_end, source_partition
COMMENT 'What of shares does minutes_of_records keep?';

CREATE MATERIALIZED VIEW IF NOT EXISTS minutes_of_impressions TO minutes_of_records AS
SELECT 'impressions' AS topic, toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset) AS offsets
FROM impressions
GROUP BY minute_end, source_partition
COMMENT 'What of impressions does minutes_of_records keep?';

CREATE MATERIALIZED VIEW IF NOT EXISTS minutes_of_clicks TO minutes_of_records AS
SELECT 'clicks' AS topic, toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset) AS offsets
FROM clicks
GROUP BY minute_end, source_partition
COMMENT 'What of clicks does minutes_of_records keep?';

CREATE MATERIALIZED VIEW IF NOT EXISTS minutes_of_donations TO minutes_of_records AS
SELECT 'donations' AS topic, toDateTime(toStartOfMinute(record_time) + INTERVAL 1 MINUTE, 'UTC') AS minute_end, source_partition,
    groupBitmapState(source_offset) AS offsets
FROM donations
GROUP BY minute_end, source_partition
COMMENT 'What of donations does minutes_of_records keep?';

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
COMMENT 'Who has shared and who gave; ask sharers_not_donors.';

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
COMMENT 'Shares and gifts by nobody knows whom; ask sharers_not_donors.';

CREATE MATERIALIZED VIEW IF NOT EXISTS nameless_of_shares TO nameless AS
SELECT campaign_id, 'shares' AS topic, referral_id, influencer_id, occurred_at, event_id FROM shares WHERE sharer_id IS NULL
COMMENT 'What of shares does nameless keep?';

CREATE MATERIALIZED VIEW IF NOT EXISTS nameless_of_donations TO nameless AS
SELECT campaign_id, 'donations' AS topic, referral_id, '' AS influencer_id, occurred_at, event_id
FROM donations
WHERE kind = 'donation' AND donor_id IS NULL
COMMENT 'What of donations does nameless keep?';

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
COMMENT 'The ties of everybody who gave within the 48 hours; ask donor_ties.';

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

CREATE TABLE IF NOT EXISTS landed_positions
(
    topic LowCardinality(String),
    topic_id String COMMENT 'a topic that was made anew has another',
    partition UInt16,
    position UInt64 COMMENT 'the rows of every record before it are here',
    landed_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(position)
ORDER BY (topic, topic_id, partition)
COMMENT 'How far each log has landed; the sink goes on from here. Ask accounting.';

CREATE TABLE IF NOT EXISTS view_columns
(
    view String,
    position UInt16,
    column String,
    type String,
    meaning String
)
ENGINE = MergeTree
ORDER BY (view, position)
COMMENT 'What the columns of the views mean; system.columns knows neither that nor those of views with parameters.';

CREATE TABLE IF NOT EXISTS declared_views
(
    name String,
    checksum String COMMENT 'SHA-256 of the functions and views that it was applied with; empty: it was dropped',
    applied_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
COMMENT 'The views of infra/clickhouse/views that were applied here.';
