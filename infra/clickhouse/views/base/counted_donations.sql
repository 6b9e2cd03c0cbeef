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
