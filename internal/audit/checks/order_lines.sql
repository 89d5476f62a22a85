-- An order's total is its lines and what its buyer bears besides, its fee what its seller bears, and a confirmed quote has exactly its orders.
SELECT format('order %s', o.id), format('is over %s with a fee of %s; its %s lines come to %s, charges to %s for the buyer and %s for the seller',
              o.total, o.fee, coalesce(l.lines, 0), coalesce(l.amount, 0), coalesce(c.buyer, 0), coalesce(c.seller, 0))
FROM orders o
LEFT JOIN (SELECT order_id, count(*) AS lines, sum(quantity::numeric * unit_price) AS amount FROM order_line GROUP BY order_id) l ON l.order_id = o.id
LEFT JOIN (
    SELECT order_id, sum(amount) FILTER (WHERE bearer = 'BUYER') AS buyer, sum(amount) FILTER (WHERE bearer = 'SELLER') AS seller FROM order_charge GROUP BY order_id
) c ON c.order_id = o.id
WHERE l.lines IS NULL OR o.total <> l.amount + coalesce(c.buyer, 0) OR o.fee <> coalesce(c.seller, 0)
UNION ALL
SELECT format('quote %s', q.id), format('group %s over %s is %s; its order is over %s', g.number, g.total, CASE WHEN k.quote_id IS NULL THEN 'not confirmed' ELSE 'confirmed' END, coalesce(o.total::text, 'nothing'))
FROM quote q JOIN quote_group g ON g.quote_id = q.id LEFT JOIN checkout k ON k.quote_id = q.id LEFT JOIN orders o ON o.id = g.order_id
WHERE CASE WHEN k.quote_id IS NULL THEN o.id IS NOT NULL
           ELSE (o.total, o.fee, o.currency, o.buyer_id, o.seller_id, o.reservation_id) IS DISTINCT FROM (g.total, g.fee, q.currency, q.user_id, g.seller_id, q.reservation_id) END
