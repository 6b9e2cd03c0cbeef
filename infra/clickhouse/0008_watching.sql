-- What people watch beside the numbers: the stall detector's word, annotations, and which feeds are alive.

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

CREATE OR REPLACE VIEW current_annotations AS
SELECT * FROM annotations FINAL
COMMENT 'What happened in the appeal: launch, reminders, notes? Each once, as said last.';

CREATE OR REPLACE VIEW feeds AS
SELECT feed, splitByChar('/', feed)[1] AS topic, campaign_id, at AS last_heartbeat, record_time
FROM heartbeats FINAL
COMMENT 'Which feeds have said that they are alive, and when last? An empty campaign_id is every campaign.';

CREATE OR REPLACE VIEW stall_states AS
SELECT
    s.campaign_id AS campaign_id,
    s.dimension AS dimension,
    s.member AS member,
    argMax((s.state, s.since, s.sentence, s.next_step, s.exposure, s.exposures_since, s.minutes_since,
        s.last_donation_at, s.observed, s.expected, s.chance, s.usual_rate, s.level, s.red, s.amber,
        s.exposures_to_confirm, s.silent_feeds, s.unheard), (s.minute, s.version)) AS newest,
    max(s.minute) AS minute,
    tupleElement(newest, 1) AS state,
    tupleElement(newest, 2) AS since,
    tupleElement(newest, 3) AS sentence,
    tupleElement(newest, 4) AS next_step,
    tupleElement(newest, 5) AS exposure,
    tupleElement(newest, 6) AS exposures_since,
    tupleElement(newest, 7) AS minutes_since,
    tupleElement(newest, 8) AS last_donation_at,
    tupleElement(newest, 9) AS observed,
    tupleElement(newest, 10) AS expected,
    tupleElement(newest, 11) AS chance,
    tupleElement(newest, 12) AS usual_rate,
    tupleElement(newest, 13) AS level,
    tupleElement(newest, 14) AS red,
    tupleElement(newest, 15) AS amber,
    tupleElement(newest, 16) AS exposures_to_confirm,
    tupleElement(newest, 17) AS silent_feeds,
    tupleElement(newest, 18) AS unheard
FROM stalls AS s
GROUP BY campaign_id, dimension, member
COMMENT 'How does each appeal and influencer stand, since when, why, and what to do next? The newest word of the detector.';

CREATE OR REPLACE VIEW stall_changes AS
SELECT campaign_id, dimension, member, minute AS at, state, sentence, next_step, expected, observed, chance
FROM stalls FINAL
WHERE changed = 1
COMMENT 'When did the detector change its mind, and what did it say? The history of states.';

CREATE OR REPLACE VIEW stall_incidents AS
SELECT campaign_id, dimension, member, state, at AS started_at, if(following > at, following, NULL) AS resolved_at,
    sentence, next_step
FROM
(
    SELECT
        campaign_id,
        dimension,
        member,
        state,
        at,
        sentence,
        next_step,
        leadInFrame(at, 1, at) OVER (
            PARTITION BY campaign_id, dimension, member ORDER BY at ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS following
    FROM stall_changes
)
WHERE state IN ('slow', 'stalled', 'no_traffic', 'feed_down')
COMMENT 'From when to when was something wrong? resolved_at is null while it lasts.';
