-- An order's total is its lines and what its buyer bears besides; its fee, tax, shipping and subsidy are its charges of these kinds with the platform on the other
-- side, and each negative one is a promotion. A confirmed quote has exactly its orders, with its charges; one of an order
-- that there was before is tied to it when it is confirmed.
SELECT format('order %s', o.id), format('is over %s with a fee of %s, tax of %s, shipping of %s and a subsidy of %s; its %s lines come to %s, charges to %s for the buyer, and %s, %s, %s and %s',
              o.total, o.fee, o.tax, o.shipping, o.subsidy, coalesce(l.lines, 0), coalesce(l.amount, 0), c.buyer, c.fee, c.tax, c.shipping, c.subsidy)
FROM orders o
LEFT JOIN (SELECT order_id, count(*) AS lines, sum(quantity::numeric * unit_price) AS amount FROM order_line GROUP BY order_id) l ON l.order_id = o.id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(amount) FILTER (WHERE bearer = 'BUYER'), 0) AS buyer,
           coalesce(sum(amount) FILTER (WHERE kind = 'PLATFORM_FEE' AND counterparty = 'PLATFORM'), 0) AS fee,
           coalesce(sum(amount) FILTER (WHERE kind = 'TAX' AND counterparty = 'PLATFORM'), 0) AS tax,
           coalesce(sum(amount) FILTER (WHERE kind = 'SHIPPING' AND counterparty = 'PLATFORM'), 0) AS shipping,
           coalesce(-sum(amount) FILTER (WHERE kind = 'PROMOTION' AND counterparty = 'PLATFORM'), 0) AS subsidy,
           count(*) FILTER (WHERE kind NOT IN ('PLATFORM_FEE', 'TAX', 'SHIPPING', 'PROMOTION') OR (amount < 0) <> (kind = 'PROMOTION' AND amount <> 0)
               OR (kind = 'PROMOTION' AND counterparty = 'PLATFORM' AND promotion_id IS DISTINCT FROM o.campaign_id)) AS wrong
    FROM order_charge WHERE order_id = o.id
) c
WHERE l.lines IS NULL OR o.total <> l.amount + c.buyer OR (o.fee, o.tax, o.shipping, o.subsidy) IS DISTINCT FROM (c.fee, c.tax, c.shipping, c.subsidy) OR c.wrong > 0
UNION ALL
SELECT format('quote %s', q.id), format('group %s over %s is %s; its order is over %s', g.number, g.total, CASE WHEN k.quote_id IS NULL THEN 'not confirmed' ELSE 'confirmed' END, coalesce(o.total::text, 'nothing'))
FROM quote q JOIN quote_group g ON g.quote_id = q.id LEFT JOIN checkout k ON k.quote_id = q.id LEFT JOIN orders o ON o.id = g.order_id
WHERE CASE WHEN k.quote_id IS NULL THEN o.id IS DISTINCT FROM q.order_id OR o.quote_id = q.id
           ELSE (o.total, o.fee, o.currency, o.buyer_id, o.seller_id, o.reservation_id) IS DISTINCT FROM (g.total, g.fee, q.currency, q.user_id, g.seller_id, q.reservation_id)
                OR o.quote_id IS DISTINCT FROM CASE WHEN q.order_id IS NOT NULL THEN q.id END END
UNION ALL
SELECT format('order %s', coalesce(a.order_id, b.order_id)), format('charge %s is %s of %s in the quote, and %s of %s in the order', coalesce(a.number, b.number), a.kind, a.amount, b.kind, b.amount)
FROM (
    SELECT g.order_id, c.number, c.kind, c.bearer, c.counterparty, c.promotion_id, c.basis_points, c.amount
    FROM checkout k JOIN quote_group g ON g.quote_id = k.quote_id JOIN quote_charge c ON c.quote_id = g.quote_id AND c.group_number = g.number
) a
FULL JOIN (SELECT c.* FROM order_charge c JOIN quote_group g ON g.order_id = c.order_id JOIN checkout k ON k.quote_id = g.quote_id) b ON b.order_id = a.order_id AND b.number = a.number
WHERE (a.kind, a.bearer, a.counterparty, a.promotion_id, a.basis_points, a.amount) IS DISTINCT FROM (b.kind, b.bearer, b.counterparty, b.promotion_id, b.basis_points, b.amount)
