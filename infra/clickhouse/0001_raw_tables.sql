-- The events as they came, one table a topic.
--
-- A row's identity is its whole ORDER BY key; `precedence` is minus the offset, so of several copies the FIRST in
-- the log wins, however often and in whatever batches rows are inserted.  Nothing rests on insert deduplication.
--
-- A partition is a year: `occurred_at` is immutable, and the constraint leaves exactly 100 of them, as many as one
-- insert may touch.  The constraint also stops epoch milliseconds that are read as seconds (the year 58862), after
-- which every query over such a row fails.

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
COMMENT 'Clicks on shared links; ask attributed_clicks.';

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
COMMENT 'Views of shared links; measured, sampled and estimated ones are never added. Ask attributed_impressions.';

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
