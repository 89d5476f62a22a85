-- What a return says that its seller, or its buyer's wallet, has paid for the way back is posted once, to shipping_income; no other entry is for a return.
SELECT format('return %s', coalesce(c.id, p.id)), format('it is to have been paid %s %s, and %s %s is posted in %s entries', c.label_charge, c.label_currency, p.amount, p.currency, coalesce(p.entries, 0))
FROM (SELECT id, label_charge, label_currency FROM order_claim WHERE label_charge > 0) c
FULL JOIN (
    SELECT coalesce(s.claim_id, e.cause_id) AS id, g.currency, count(DISTINCT e.id) AS entries, sum(g.amount) FILTER (WHERE a.kind = 'shipping_income') AS amount
    FROM ledger.entry e JOIN ledger.posting g ON g.entry_id = e.id JOIN ledger.account a ON a.id = g.account_id LEFT JOIN shipment s ON s.id = e.cause_id
    WHERE e.flow = 'return_label'
    GROUP BY coalesce(s.claim_id, e.cause_id), g.currency
) p ON p.id = c.id
WHERE c.id IS NULL OR p.id IS NULL OR p.entries <> 1 OR c.label_currency <> p.currency OR c.label_charge IS DISTINCT FROM p.amount
