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
