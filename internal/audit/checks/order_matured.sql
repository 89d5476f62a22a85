-- What an order earned waits in seller_pending until its return window is over: nothing matured early, and nothing waits of an order that has matured or is not settled.
SELECT format('order %s', o.id),
       format('is %s, its window is over at %s, it matured at %s: %s %s wait, the first entry is of %s', o.payment, o.mature_by, o.matured_at, p.waits, o.currency, p.first)
FROM orders o
CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.amount), 0) AS waits, min(e.posted_at) FILTER (WHERE e.flow = 'maturity') AS first
    FROM ledger.entry e
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id
    WHERE e.cause_kind = 'order' AND e.cause_id = o.id AND a.kind = 'seller_pending'
) p
WHERE p.waits < 0 OR p.first < o.mature_by OR (p.waits > 0 AND (o.payment <> 'SETTLED' OR o.matured_at IS NOT NULL))
