-- A label that costs something has one entry, between carrier_cost and carrier_payable, over what it costs; no other entry is for a shipment.
SELECT format('shipment %s', coalesce(s.id, p.id)), format('costs %s %s, and %s %s is posted in %s entries', s.cost, s.currency, p.amount, p.currency, coalesce(p.entries, 0))
FROM (SELECT * FROM shipment WHERE cost IS NOT NULL) s
FULL JOIN (
    SELECT e.cause_id AS id, g.currency, count(DISTINCT e.id) AS entries,
           sum(g.amount) FILTER (WHERE a.kind = 'carrier_payable') AS amount, sum(g.amount) FILTER (WHERE a.kind = 'carrier_cost') AS cost, min(e.key) AS key
    FROM ledger.entry e JOIN ledger.posting g ON g.entry_id = e.id JOIN ledger.account a ON a.id = g.account_id
    WHERE e.flow = 'label' OR e.cause_kind = 'shipment'
    GROUP BY e.cause_id, g.currency
) p ON p.id = s.id
WHERE s.id IS NULL OR p.id IS NULL OR p.entries <> 1 OR s.currency <> p.currency OR s.cost IS DISTINCT FROM p.amount OR p.cost IS DISTINCT FROM -s.cost OR p.key <> 'shipment:' || s.id || ':label'
