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
