-- What the pipeline says: results of windows, how far it has come, and what it could not process.
-- Rows are absolute and versioned: the larger version wins, so sending one twice is harmless.
-- One partition each: these tables are cut by campaign or topic, never by time.
--
-- A time that comes from a record's timestamp may be anything a text can say (a producer sets it), but not the year
-- 58862: a row that is refused here would stop the sink for good, one from beyond 9999 every query over it.

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
    CONSTRAINT record_time_in_range CHECK record_time <= toDateTime64('9999-12-31 23:59:59.999', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(precedence)
ORDER BY (topic, source_partition, source_offset)
COMMENT 'Events that could not be processed, kept whole; ask current_dead_letters.';
