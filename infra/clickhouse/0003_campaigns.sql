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
    CONSTRAINT start_in_range CHECK start >= toDateTime64('2000-01-01 00:00:00', 3, 'UTC'),
    CONSTRAINT end_in_range CHECK end < toDateTime64('2102-01-01 00:00:00', 3, 'UTC')
)
ENGINE = ReplacingMergeTree(loaded_at)
ORDER BY id
COMMENT 'One row a campaign file; read it with FINAL.';
