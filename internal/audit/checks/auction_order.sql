-- A SOLD auction has one order, its leader's over its price; any other auction has none.
SELECT format('auction %s', a.id),
       format('is %s at %s %s, led by %s, and has %s orders; the first is %s''s over %s %s', a.status, a.price, a.currency,
              coalesce(a.leader_id::text, 'nobody'), o.orders, coalesce(o.buyer, 'nobody'), coalesce(o.total, 0), coalesce(o.currency, ''))
FROM auction a
CROSS JOIN LATERAL (
    SELECT count(*) AS orders, min(buyer_id::text) AS buyer, min(seller_id::text) AS seller, min(total) AS total, min(currency) AS currency
    FROM orders WHERE auction_id = a.id
) o
WHERE CASE WHEN a.status = 'SOLD'
           THEN (o.orders, o.buyer, o.seller, o.total, o.currency)
                IS DISTINCT FROM (1, a.leader_id::text, a.seller_id::text, a.price, a.currency)
           ELSE o.orders > 0 END
