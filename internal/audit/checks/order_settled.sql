-- An order that was completed gave the platform what its fee, its tax and its shipping are of what is left of it, and its seller the rest; any other
-- order gave nobody anything. What a seller owes, and pays, counts as given and taken.
SELECT format('order %s', o.id),
       format('is %s and %s over %s and %s less a fee of %s, tax of %s and shipping of %s %s, of which %s are refunded: the seller got %s, the platform %s, %s and %s, others %s',
              o.payment, o.fulfilment, o.total, o.subsidy, o.fee, o.tax, o.shipping, o.currency, o.refunded, p.seller, p.fee, p.tax, p.shipping, p.others)
FROM orders o
CROSS JOIN LATERAL order_parts(o) l
CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.amount) FILTER (WHERE a.kind IN ('seller_available', 'seller_pending', 'seller_debt')
               AND a.owner = o.seller_id AND a.currency = o.currency), 0) AS seller,
           coalesce(sum(p.amount) FILTER (WHERE a.kind = 'platform_fees' AND a.currency = o.currency), 0) AS fee,
           coalesce(sum(p.amount) FILTER (WHERE a.kind = 'tax_payable' AND a.currency = o.currency), 0) AS tax,
           coalesce(sum(p.amount) FILTER (WHERE a.kind = 'shipping_income' AND a.currency = o.currency), 0) AS shipping,
           coalesce(sum(p.amount) FILTER (WHERE a.kind IN ('seller_available', 'seller_pending', 'seller_debt', 'platform_fees', 'tax_payable', 'shipping_income')
               AND (a.currency <> o.currency OR (a.kind LIKE 'seller%' AND a.owner <> o.seller_id))), 0) AS others
    FROM ledger.entry e
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id
    WHERE e.cause_kind = 'order' AND e.cause_id = o.id
) p
WHERE CASE WHEN o.payment = 'SETTLED' THEN (p.seller, p.fee, p.tax, p.shipping, p.others) IS DISTINCT FROM (l.seller::numeric, l.fee::numeric, l.tax::numeric, l.shipping::numeric, 0::numeric)
           ELSE (p.seller, p.fee, p.tax, p.shipping, p.others) IS DISTINCT FROM (0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric) END
