-- A label that costs something has one entry, between carrier_cost and carrier_payable, over what it costs, and where its carrier took it back another that takes it back; no other entry is
-- for a shipment.
SELECT format('shipment %s', coalesce(s.id, p.id)), format('costs %s %s (%s), and %s %s is posted in %s entries', s.cost, s.currency, coalesce(s.recall, 'kept'), p.amount, p.currency, coalesce(p.entries, 0))
FROM (SELECT *, CASE WHEN recall = 'TAKEN_BACK' THEN 0 ELSE cost END AS owed, CASE WHEN recall = 'TAKEN_BACK' THEN 2 ELSE 1 END AS entries FROM shipment WHERE cost IS NOT NULL) s
FULL JOIN (
    SELECT e.cause_id AS id, g.currency, count(DISTINCT e.id) AS entries,
           sum(g.amount) FILTER (WHERE a.kind = 'carrier_payable') AS amount, sum(g.amount) FILTER (WHERE a.kind = 'carrier_cost') AS cost,
           sum(g.amount) FILTER (WHERE a.kind = 'carrier_payable' AND e.key = 'shipment:' || e.cause_id || ':label') AS bought,
           bool_and(e.key IN ('shipment:' || e.cause_id || ':label', 'shipment:' || e.cause_id || ':label_back')) AS known
    FROM ledger.entry e JOIN ledger.posting g ON g.entry_id = e.id JOIN ledger.account a ON a.id = g.account_id
    WHERE e.flow = 'label' OR e.cause_kind = 'shipment' AND e.flow <> 'return_label'
    GROUP BY e.cause_id, g.currency
) p ON p.id = s.id
WHERE s.id IS NULL OR p.id IS NULL OR p.entries <> s.entries OR s.currency <> p.currency OR s.owed IS DISTINCT FROM p.amount OR p.cost IS DISTINCT FROM -s.owed
   OR p.bought IS DISTINCT FROM s.cost OR NOT p.known
