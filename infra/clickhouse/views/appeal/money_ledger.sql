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
