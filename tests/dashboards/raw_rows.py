"""What the raw rows say, by plain sums over them: what the base of all views is held against."""

from __future__ import annotations

from typing import Final

# What each link brought.
REFERRALS: Final = """
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
"""
COUNTS: Final = (
    "shares", "impressions_measured", "impressions_sampled", "impressions_estimated", "clicks", "donations", "refunds",
    "gross", "refunded", "fee", "net",
)  # fmt: skip
SUMS: Final = ", ".join(f"sum(r.{name}) AS {name}" for name in COUNTS)
NOTHING: Final = ", ".join(["0"] * 6 + ["toDecimal128(0, 4)"] * 4)
# Events count for the channel and the tie of their link's first share, a share for its own.
BY_GROUP: Final = f"""
SELECT campaign_id, channel, owner_tie, 0 AS shares, {", ".join(COUNTS[1:])} FROM ({REFERRALS})
UNION ALL
SELECT campaign_id, channel, tie, 1, {NOTHING} FROM accepted_shares
"""
# The same of each campaign, channel, tie of the sharer and influencer.
ENTITIES: Final = "\nUNION ALL\n".join(
    f"SELECT campaign_id, '{dimension}' AS dimension, {member} AS member, {SUMS}\n"
    f"FROM ({rows}) AS r GROUP BY campaign_id, member"
    for dimension, member, rows in (
        ("campaign", "campaign_id", REFERRALS),
        ("channel", "channel", BY_GROUP),
        ("tie", "owner_tie", BY_GROUP),
        ("influencer", "influencer_id", REFERRALS),
    )
)
# How far each link came.
LINKS: Final = f"""
SELECT campaign_id, referral_id, influencer_id, channel, owner_tie, reach, first_share_at,
    multiIf(donations > 0, 4, clicks > 0, 3,
        impressions_measured > 0 OR impressions_sampled > 0 OR impressions_estimated > 0, 2, 1) AS height
FROM ({REFERRALS})
WHERE NOT startsWith(influencer_id, '(')
"""
# Each donor of the 48 hours once, with the tie that was said last and is not "unknown".
TIES: Final = """
SELECT campaign_id, tie, count() AS donors
FROM
(
    SELECT campaign_id, donor_id, argMax(d.tie, (d.tie != 'unknown', occurred_at, event_id)) AS tie
    FROM counted_donations AS d
    WHERE kind = 'donation' AND phase = 'appeal' AND donor_id IS NOT NULL
    GROUP BY campaign_id, donor_id
)
GROUP BY campaign_id, tie
"""
# Who shared and who gave, by every row of theirs.
PEOPLE: Final = """
SELECT campaign_id, countIf(shared) AS sharers, countIf(shared AND NOT gave) AS never_gave,
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
"""
UNKNOWN: Final = """
SELECT (SELECT count() FROM accepted_shares WHERE campaign_id = '{campaign}' AND sharer_id IS NULL),
    (SELECT count() FROM counted_donations WHERE campaign_id = '{campaign}' AND kind = 'donation' AND donor_id IS NULL)
"""
