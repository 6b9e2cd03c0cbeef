-- The appeal told in figures.  Every view has a campaign_id; money is in the campaign's currency unless it says so.

CREATE OR REPLACE VIEW money_ledger AS
SELECT
    campaign_id,
    occurred_at,
    event_id,
    donation_id,
    kind,
    influencer_id,
    channel,
    owner_tie,
    tie,
    donor_id,
    phase,
    currency,
    amount,
    fee,
    if(kind = 'refund', -amount, amount) - coalesce(fee, toDecimal128(0, 4)) AS net,
    late
FROM attributed_donations
COMMENT 'Which movements of money were there, each in its own currency? net is signed: what the appeal keeps of it.';

CREATE OR REPLACE VIEW money_totals AS
SELECT
    campaign_id,
    currency,
    countIf(kind = 'donation') AS donations,
    countIf(kind = 'refund') AS refunds,
    sumIf(amount, kind = 'donation') AS gross,
    sumIf(amount, kind = 'refund') AS refunded,
    sum(coalesce(m.fee, toDecimal128(0, 4))) AS fee,
    sum(m.net) AS net,
    countIf(m.fee IS NULL) AS fees_unknown
FROM money_ledger AS m
GROUP BY campaign_id, currency
COMMENT 'How much money is there in each currency? They are never added without a rate.';

-- A donor counts once, with the tie that was said last and is not "unknown": a tie is a label that can be revised.
CREATE OR REPLACE VIEW donors AS
SELECT
    campaign_id,
    assumeNotNull(donor_id) AS donor,
    argMax(d.tie, (d.tie != 'unknown', occurred_at, event_id)) AS tie,
    min(occurred_at) AS first_gift_at,
    count() AS gifts,
    sum(d.gross) AS gross,
    countIf(phase = 'appeal') AS gifts_48h,
    sumIf(d.gross, phase = 'appeal') AS gross_48h
FROM counted_donations AS d
WHERE kind = 'donation' AND donor_id IS NOT NULL
GROUP BY campaign_id, donor
COMMENT 'Who gave, how often and how much? One row a donor who is known by an id.';

CREATE OR REPLACE VIEW donor_ties AS
SELECT campaign_id, said AS tie, count() AS donors, sum(gifts) AS donations, sum(gave) AS gross
FROM
(
    SELECT
        campaign_id,
        donor_id,
        argMax(tie, (tie != 'unknown', occurred_at, event_id)) AS said,
        count() AS gifts,
        sum(gross) AS gave
    FROM counted_donations
    WHERE kind = 'donation' AND phase = 'appeal' AND donor_id IS NOT NULL
    GROUP BY campaign_id, donor_id
)
GROUP BY campaign_id, said
COMMENT 'Are the donors of the 48 hours strong or weak ties? Each once, by their own tie as last said; weak is an upper bound.';

CREATE OR REPLACE VIEW appeal_figures AS
SELECT * EXCEPT (z2, middle, half)
FROM
(
    SELECT
        c.id AS campaign_id,
        c.title AS title,
        c.start AS start,
        c.end AS end,
        toString(c.currency) AS currency,
        c.goal AS goal,
        coalesce(t.shares, 0) AS shares,
        coalesce(t.clicks, 0) AS clicks,
        coalesce(t.impressions_measured, 0) AS impressions_measured,
        coalesce(t.impressions_sampled, 0) AS impressions_sampled,
        coalesce(t.impressions_estimated, 0) AS impressions_estimated,
        coalesce(d.donations, 0) AS donations,
        coalesce(d.donations_48h, 0) AS donations_48h,
        coalesce(d.donations_late, 0) AS donations_late,
        coalesce(d.donors, 0) AS donors,
        coalesce(d.donors_48h, 0) AS donors_48h,
        coalesce(d.donations_48h_without_donor, 0) AS donations_48h_without_donor,
        coalesce(d.donations_in_other_currencies, 0) AS donations_in_other_currencies,
        coalesce(d.refunds, 0) AS refunds,
        coalesce(d.gross_early, toDecimal128(0, 4)) AS gross_early,
        coalesce(d.gross_48h, toDecimal128(0, 4)) AS gross_48h,
        coalesce(d.gross_late, toDecimal128(0, 4)) AS gross_late,
        coalesce(d.gross_total, toDecimal128(0, 4)) AS gross_total,
        coalesce(d.refunded, toDecimal128(0, 4)) AS refunded,
        coalesce(d.fee, toDecimal128(0, 4)) AS fee,
        gross_total - refunded - fee AS net,
        if(c.goal > 0, toFloat64(gross_total) / toFloat64(c.goal), NULL) AS part_of_goal,
        if(clicks > 0, donations / clicks, NULL) AS conversion,
        -- Wilson's interval, 95 %; none where there are more gifts than clicks, for then it is no proportion.
        pow(1.959964, 2) AS z2,
        (donations + z2 / 2) / (clicks + z2) AS middle,
        sqrt(z2 * (donations * (toFloat64(clicks) - donations) / clicks + z2 / 4)) / (clicks + z2) AS half,
        if(clicks > 0 AND donations <= clicks, greatest(middle - half, 0.), NULL) AS conversion_low,
        if(clicks > 0 AND donations <= clicks, least(middle + half, 1.), NULL) AS conversion_high
    FROM (SELECT * FROM campaigns FINAL) AS c
    LEFT JOIN
    (
        SELECT
            campaign_id,
            sum(r.shares) AS shares,
            sum(r.clicks) AS clicks,
            sum(r.impressions_measured) AS impressions_measured,
            sum(r.impressions_sampled) AS impressions_sampled,
            sum(r.impressions_estimated) AS impressions_estimated
        FROM referral_totals AS r
        GROUP BY campaign_id
    ) AS t ON t.campaign_id = c.id
    LEFT JOIN
    (
        SELECT
            campaign_id,
            countIf(kind = 'donation') AS donations,
            countIf(kind = 'donation' AND phase = 'appeal') AS donations_48h,
            countIf(kind = 'donation' AND phase = 'tail') AS donations_late,
            uniqExactIf(donor_id, kind = 'donation') AS donors,
            uniqExactIf(donor_id, kind = 'donation' AND phase = 'appeal') AS donors_48h,
            countIf(kind = 'donation' AND phase = 'appeal' AND donor_id IS NULL) AS donations_48h_without_donor,
            countIf(kind = 'donation' AND NOT in_campaign_currency) AS donations_in_other_currencies,
            countIf(kind = 'refund') AS refunds,
            sumIf(a.gross, phase = 'before') AS gross_early,
            sumIf(a.gross, phase = 'appeal') AS gross_48h,
            sumIf(a.gross, phase = 'tail') AS gross_late,
            sum(a.gross) AS gross_total,
            sum(a.refunded) AS refunded,
            sum(a.fee_paid) AS fee
        FROM counted_donations AS a
        GROUP BY campaign_id
    ) AS d ON d.campaign_id = c.id
)
COMMENT 'How does the appeal stand? One row a campaign; 48h is [start, end) of its file, late is the tail after it.';

-- A set difference over people.  Both bounds: shares without a sharer may each hide a person who did not give,
-- gifts without a donor may each be by one of the sharers counted.
CREATE OR REPLACE VIEW sharers_not_donors AS
SELECT
    f.campaign_id AS campaign_id,
    toInt64(f.shares) - toInt64(f.donations_48h) AS naive,
    coalesce(p.sharers, 0) AS sharers,
    coalesce(p.never_gave, 0) AS never_gave,
    coalesce(p.not_within_48h, 0) AS not_within_48h,
    coalesce(u.unknown_sharers, 0) AS shares_without_sharer,
    coalesce(g.unknown_donors, 0) AS donations_without_donor,
    greatest(toInt64(coalesce(p.never_gave, 0)) - toInt64(coalesce(g.unknown_donors, 0)), 0) AS lowest,
    toInt64(coalesce(p.never_gave, 0)) + toInt64(coalesce(u.unknown_sharers, 0)) AS highest
FROM appeal_figures AS f
LEFT JOIN
(
    SELECT
        campaign_id,
        countIf(shared) AS sharers,
        countIf(shared AND NOT gave) AS never_gave,
        countIf(shared AND NOT gave_48h) AS not_within_48h
    FROM
    (
        SELECT campaign_id, person, max(is_sharer) AS shared, max(is_donor) AS gave, max(is_donor_48h) AS gave_48h
        FROM
        (
            SELECT campaign_id, sharer_id AS person, 1 AS is_sharer, 0 AS is_donor, 0 AS is_donor_48h
            FROM accepted_shares
            WHERE sharer_id IS NOT NULL
            UNION ALL
            SELECT campaign_id, donor_id, 0, 1, phase = 'appeal'
            FROM counted_donations
            WHERE kind = 'donation' AND donor_id IS NOT NULL
        )
        GROUP BY campaign_id, person
    )
    GROUP BY campaign_id
) AS p ON p.campaign_id = f.campaign_id
LEFT JOIN
(
    SELECT campaign_id, count() AS unknown_sharers FROM accepted_shares WHERE sharer_id IS NULL GROUP BY campaign_id
) AS u ON u.campaign_id = f.campaign_id
LEFT JOIN
(
    SELECT campaign_id, count() AS unknown_donors
    FROM counted_donations
    WHERE kind = 'donation' AND donor_id IS NULL
    GROUP BY campaign_id
) AS g ON g.campaign_id = f.campaign_id
COMMENT 'How many shared but did not give? naive = shares - donations_48h counts acts; never_gave counts people, not_within_48h those of them and those who gave later.';

CREATE OR REPLACE VIEW hourly_totals AS
SELECT
    campaign_id,
    hour_end,
    sum(share) AS shares,
    sum(measured) AS impressions_measured,
    sum(sampled) AS impressions_sampled,
    sum(estimated) AS impressions_estimated,
    sum(click) AS clicks,
    sum(gift) AS donations,
    sum(returned) AS refunds,
    sum(in) AS gross,
    sum(out) AS refunded,
    sum(cost) AS fee,
    gross - refunded - fee AS net
FROM
(
    SELECT campaign_id, toStartOfHour(occurred_at) + INTERVAL 1 HOUR AS hour_end, count() AS share, 0 AS measured,
        0 AS sampled, 0 AS estimated, 0 AS click, 0 AS gift, 0 AS returned, toDecimal128(0, 4) AS in,
        toDecimal128(0, 4) AS out, toDecimal128(0, 4) AS cost
    FROM accepted_shares
    GROUP BY campaign_id, hour_end
    UNION ALL
    SELECT campaign_id, toStartOfHour(occurred_at) + INTERVAL 1 HOUR AS hour_end, 0,
        sumIf(count, basis = 'measured'), sumIf(count, basis = 'sampled'), sumIf(count, basis = 'estimated'),
        0, 0, 0, toDecimal128(0, 4), toDecimal128(0, 4), toDecimal128(0, 4)
    FROM impressions FINAL
    GROUP BY campaign_id, hour_end
    UNION ALL
    SELECT campaign_id, toStartOfHour(occurred_at) + INTERVAL 1 HOUR AS hour_end, 0, 0, 0, 0, count(), 0, 0,
        toDecimal128(0, 4), toDecimal128(0, 4), toDecimal128(0, 4)
    FROM clicks FINAL
    GROUP BY campaign_id, hour_end
    UNION ALL
    SELECT campaign_id, toStartOfHour(occurred_at) + INTERVAL 1 HOUR AS hour_end, 0, 0, 0, 0, 0,
        countIf(kind = 'donation'), countIf(kind = 'refund'), sum(gross), sum(refunded), sum(fee_paid)
    FROM counted_donations
    GROUP BY campaign_id, hour_end
)
GROUP BY campaign_id, hour_end
COMMENT 'What happened hour by hour? An hour is [hour_end - 1 h, hour_end); one without events has no row.';

CREATE OR REPLACE VIEW time_to_gift AS
SELECT
    d.campaign_id AS campaign_id,
    d.event_id AS event_id,
    d.occurred_at AS occurred_at,
    d.influencer_id AS influencer_id,
    d.channel AS channel,
    d.owner_tie AS owner_tie,
    d.tie AS tie,
    d.shared_at AS shared_at,
    dateDiff('millisecond', d.shared_at, d.occurred_at) / 1000 AS seconds_since_share,
    dateDiff('millisecond', c.start, d.occurred_at) / 1000 AS seconds_since_start,
    d.occurred_at < d.shared_at + INTERVAL 48 HOUR AS within_48h_of_share
FROM (SELECT * FROM attributed_donations WHERE kind = 'donation') AS d
INNER JOIN (SELECT id, start FROM campaigns FINAL) AS c ON c.id = d.campaign_id
COMMENT 'How long after the share did each gift come? Null without a known share; a negative time is a producer with a wrong clock.';
