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
