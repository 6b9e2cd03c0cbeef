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
