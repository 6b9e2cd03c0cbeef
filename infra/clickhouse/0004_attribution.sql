-- Whose is each event?  Everything else is built on these views.
--
-- They are right with merges stopped and every row inserted twice: FINAL, or argMin over offsets, inside.
-- They are right under join_use_nulls = 0 and = 1: what a LEFT JOIN misses is named through coalesce and nullIf.

-- A tuple inside argMin, because argMin skips rows whose argument is null.
CREATE OR REPLACE VIEW referrals AS
SELECT
    campaign_id,
    referral_id,
    tupleElement(first, 1) AS influencer_id,
    tupleElement(first, 2) AS channel,
    tupleElement(first, 3) AS tie,
    tupleElement(first, 4) AS kind,
    tupleElement(first, 5) AS audience,
    tupleElement(first, 6) AS parent_referral_id,
    tupleElement(first, 7) AS sharer_id,
    tupleElement(first, 8) AS shared_at
FROM
(
    SELECT
        campaign_id,
        referral_id,
        argMin((influencer_id, toString(channel), toString(tie), toString(kind), audience, parent_referral_id,
                sharer_id, occurred_at), source_offset) AS first
    FROM shares
    GROUP BY campaign_id, referral_id
)
COMMENT 'Whose is this referral? The first share of it in the log says so: owner, channel, tie, audience.';

CREATE OR REPLACE VIEW accepted_shares AS
SELECT
    campaign_id,
    referral_id,
    occurred_at,
    event_id,
    influencer_id,
    toString(s.channel) AS channel,
    toString(s.kind) AS kind,
    s.audience AS audience,
    toString(s.tie) AS tie,
    s.parent_referral_id AS parent_referral_id,
    s.sharer_id AS sharer_id,
    record_time,
    late
FROM shares AS s FINAL
INNER JOIN (SELECT campaign_id, referral_id, influencer_id FROM referrals) AS owner
    USING (campaign_id, referral_id, influencer_id)
COMMENT 'Which shares count? Those by the owner of their referral; a share that claims it for somebody else does not.';

CREATE OR REPLACE VIEW attributed_clicks AS
SELECT
    c.campaign_id AS campaign_id,
    c.referral_id AS referral_id,
    c.occurred_at AS occurred_at,
    c.event_id AS event_id,
    coalesce(nullIf(r.influencer_id, ''), '(unattributed)') AS influencer_id,
    coalesce(nullIf(r.channel, ''), '(unattributed)') AS channel,
    coalesce(nullIf(r.tie, ''), '(unattributed)') AS owner_tie,
    c.visitor_id AS visitor_id,
    c.record_time AS record_time,
    c.late AS late
FROM clicks AS c FINAL
LEFT JOIN referrals AS r ON r.campaign_id = c.campaign_id AND r.referral_id = c.referral_id
COMMENT 'Who brought this click? The owner of its referral, or (unattributed) while no share of it is known.';

CREATE OR REPLACE VIEW attributed_impressions AS
SELECT
    i.campaign_id AS campaign_id,
    i.referral_id AS referral_id,
    i.occurred_at AS occurred_at,
    i.event_id AS event_id,
    coalesce(nullIf(r.influencer_id, ''), '(unattributed)') AS influencer_id,
    coalesce(nullIf(r.channel, ''), '(unattributed)') AS channel,
    coalesce(nullIf(r.tie, ''), '(unattributed)') AS owner_tie,
    toString(i.basis) AS basis,
    i.count AS count,
    i.record_time AS record_time,
    i.late AS late
FROM impressions AS i FINAL
LEFT JOIN referrals AS r ON r.campaign_id = i.campaign_id AND r.referral_id = i.referral_id
COMMENT 'Whose link was seen, how often, and how is that known? Never add counts of different basis.';

-- `phase` cuts at the campaign's own clock: before | appeal = [start, end) | tail.
-- gross, refunded and fee_paid are zero in other currencies than the campaign's: currencies are never added.
CREATE OR REPLACE VIEW counted_donations AS
SELECT
    d.campaign_id AS campaign_id,
    d.referral_id AS referral_id,
    d.occurred_at AS occurred_at,
    d.event_id AS event_id,
    d.donation_id AS donation_id,
    toString(d.kind) AS kind,
    d.amount AS amount,
    d.fee AS fee,
    toString(d.currency) AS currency,
    d.donor_id AS donor_id,
    toString(d.tie) AS tie,
    multiIf(d.occurred_at < c.start, 'before', d.occurred_at < c.end, 'appeal', 'tail') AS phase,
    coalesce(d.currency = c.currency, false) AS in_campaign_currency,
    if(in_campaign_currency AND d.kind = 'donation', d.amount, toDecimal128(0, 4)) AS gross,
    if(in_campaign_currency AND d.kind = 'refund', d.amount, toDecimal128(0, 4)) AS refunded,
    if(in_campaign_currency, coalesce(d.fee, toDecimal128(0, 4)), toDecimal128(0, 4)) AS fee_paid,
    d.record_time AS record_time,
    d.late AS late
FROM donations AS d FINAL
LEFT JOIN (SELECT id, start, end, currency FROM campaigns FINAL) AS c ON c.id = d.campaign_id
COMMENT 'Which gifts and refunds were there, in which phase of the appeal, and what do they count in its currency?';

CREATE OR REPLACE VIEW attributed_donations AS
SELECT
    d.*,
    multiIf(d.referral_id = '', '(direct)', coalesce(nullIf(r.influencer_id, ''), '(unattributed)')) AS influencer_id,
    multiIf(d.referral_id = '', '(direct)', coalesce(nullIf(r.channel, ''), '(unattributed)')) AS channel,
    multiIf(d.referral_id = '', '(direct)', coalesce(nullIf(r.tie, ''), '(unattributed)')) AS owner_tie,
    if(coalesce(r.influencer_id, '') = '', NULL, r.shared_at) AS shared_at
FROM counted_donations AS d
LEFT JOIN referrals AS r ON r.campaign_id = d.campaign_id AND r.referral_id = d.referral_id
COMMENT 'Who moved this gift? (direct) without a referral, (unattributed) without its share.';

-- Sums before the join to their owner: as many rows as referrals, however many events.
CREATE OR REPLACE VIEW referral_totals AS
SELECT
    t.*,
    multiIf(t.referral_id = '', '(direct)', coalesce(nullIf(r.influencer_id, ''), '(unattributed)')) AS influencer_id,
    multiIf(t.referral_id = '', '(direct)', coalesce(nullIf(r.channel, ''), '(unattributed)')) AS channel,
    multiIf(t.referral_id = '', '(direct)', coalesce(nullIf(r.tie, ''), '(unattributed)')) AS owner_tie
FROM
(
    SELECT
        campaign_id,
        referral_id,
        sum(share) AS shares,
        max(seen_by) AS reach,
        min(started) AS first_share_at,
        sum(measured) AS impressions_measured,
        sum(sampled) AS impressions_sampled,
        sum(estimated) AS impressions_estimated,
        sum(click) AS clicks,
        sum(gift) AS donations,
        sum(returned) AS refunds,
        arraySort(groupUniqArrayArray(givers)) AS donor_ids,
        sum(in) AS gross,
        sum(out) AS refunded,
        sum(cost) AS fee,
        gross - refunded - fee AS net
    FROM
    (
        SELECT campaign_id, referral_id, count() AS share, max(audience) AS seen_by,
            toNullable(min(occurred_at)) AS started, 0 AS measured, 0 AS sampled, 0 AS estimated, 0 AS click,
            0 AS gift, 0 AS returned, emptyArrayString() AS givers,
            toDecimal128(0, 4) AS in, toDecimal128(0, 4) AS out, toDecimal128(0, 4) AS cost
        FROM accepted_shares
        GROUP BY campaign_id, referral_id
        UNION ALL
        SELECT campaign_id, referral_id, 0, 0, NULL, sumIf(count, basis = 'measured'), sumIf(count, basis = 'sampled'),
            sumIf(count, basis = 'estimated'), 0, 0, 0, emptyArrayString(),
            toDecimal128(0, 4), toDecimal128(0, 4), toDecimal128(0, 4)
        FROM impressions FINAL
        GROUP BY campaign_id, referral_id
        UNION ALL
        SELECT campaign_id, referral_id, 0, 0, NULL, 0, 0, 0, count(), 0, 0, emptyArrayString(),
            toDecimal128(0, 4), toDecimal128(0, 4), toDecimal128(0, 4)
        FROM clicks FINAL
        GROUP BY campaign_id, referral_id
        UNION ALL
        SELECT campaign_id, referral_id, 0, 0, NULL, 0, 0, 0, 0, countIf(kind = 'donation'), countIf(kind = 'refund'),
            groupUniqArrayIf(assumeNotNull(donor_id), kind = 'donation' AND donor_id IS NOT NULL),
            sum(gross), sum(refunded), sum(fee_paid)
        FROM counted_donations
        GROUP BY campaign_id, referral_id
    )
    GROUP BY campaign_id, referral_id
) AS t
LEFT JOIN referrals AS r ON r.campaign_id = t.campaign_id AND r.referral_id = t.referral_id
COMMENT 'What did each link bring, so far? Money in the campaign currency.';
