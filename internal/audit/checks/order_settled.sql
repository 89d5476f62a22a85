-- A SETTLED order gave its seller the total less the fee, and the platform the fee; any other order gave neither anything.
SELECT format('order %s', o.id),
       format('is %s over %s less %s %s: the seller got %s, the platform %s, others %s', o.payment, o.total, o.fee, o.currency, p.seller, p.platform, p.others)
FROM orders o
CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.amount) FILTER (WHERE a.kind IN ('seller_available', 'seller_pending')
               AND a.owner = o.seller_id AND a.currency = o.currency), 0) AS seller,
           coalesce(sum(p.amount) FILTER (WHERE a.kind = 'platform_fees' AND a.currency = o.currency), 0) AS platform,
           coalesce(sum(p.amount) FILTER (WHERE a.kind IN ('seller_available', 'seller_pending', 'platform_fees')
               AND (a.currency <> o.currency OR (a.kind <> 'platform_fees' AND a.owner <> o.seller_id))), 0) AS others
    FROM ledger.entry e
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id
    WHERE e.cause_kind = 'order' AND e.cause_id = o.id
) p
WHERE CASE WHEN o.payment = 'SETTLED' THEN (p.seller, p.platform, p.others) IS DISTINCT FROM (o.total - o.fee, o.fee, 0)
           ELSE (p.seller, p.platform, p.others) IS DISTINCT FROM (0, 0, 0) END
