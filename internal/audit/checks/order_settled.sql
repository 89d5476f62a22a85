-- An order that was completed gave the platform its fee's share of what is left of the total, and its seller the rest; any other
-- order gave neither anything. What a seller owes, and pays, counts as given and taken.
SELECT format('order %s', o.id),
       format('is %s and %s over %s less %s %s, of which %s are refunded: the seller got %s, the platform %s, others %s', o.payment, o.fulfilment,
              o.total, o.fee, o.currency, o.refunded, p.seller, p.platform, p.others)
FROM orders o
CROSS JOIN LATERAL (SELECT o.total - o.refunded - o.charged_back AS gross, div(o.fee::numeric * (o.total - o.refunded - o.charged_back), o.total) AS fee) l
CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.amount) FILTER (WHERE a.kind IN ('seller_available', 'seller_pending', 'seller_debt')
               AND a.owner = o.seller_id AND a.currency = o.currency), 0) AS seller,
           coalesce(sum(p.amount) FILTER (WHERE a.kind = 'platform_fees' AND a.currency = o.currency), 0) AS platform,
           coalesce(sum(p.amount) FILTER (WHERE a.kind IN ('seller_available', 'seller_pending', 'seller_debt', 'platform_fees')
               AND (a.currency <> o.currency OR (a.kind <> 'platform_fees' AND a.owner <> o.seller_id))), 0) AS others
    FROM ledger.entry e
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id
    WHERE e.cause_kind = 'order' AND e.cause_id = o.id
) p
WHERE CASE WHEN o.payment = 'SETTLED' THEN (p.seller, p.platform, p.others) IS DISTINCT FROM (l.gross - l.fee, l.fee, 0::numeric)
           ELSE (p.seller, p.platform, p.others) IS DISTINCT FROM (0::numeric, 0::numeric, 0::numeric) END
