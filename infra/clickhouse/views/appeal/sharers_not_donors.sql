-- A set difference over people.  Both bounds: shares without a sharer may each hide a person who did not give,
-- gifts without a donor may each be by one of the sharers counted.
CREATE OR REPLACE VIEW sharers_not_donors AS
SELECT
    f.campaign_id AS campaign_id,
    -- Fewer acts of sharing than gifts: their difference counts nobody.
    if(f.shares > 0 AND f.shares >= f.donations_48h, toInt64(f.shares) - toInt64(f.donations_48h), NULL) AS naive,
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
COMMENT 'How many shared but did not give? naive = shares - donations_48h counts acts, and is null where there are more gifts than shares; never_gave counts people, not_within_48h those of them and those who gave later.';
