-- A SOLD auction has its leader's order whose goods cost its price, and one for each second chance that was accepted, over what was offered; at most
-- one of them is not cancelled, and none while the lot is offered. Any other auction has neither.
SELECT format('auction %s', a.id),
       format('is %s at %s %s, led by %s, and has %s orders, %s of them live; the first is %s''s over %s %s; of its offers %s stand, %s were accepted and %s have their order',
              a.status, a.price, a.currency, coalesce(a.leader_id::text, 'nobody'), o.orders, o.live, coalesce(o.buyer, 'nobody'), coalesce(o.total, 0),
              coalesce(o.currency, ''), c.open, c.accepted, o.offered)
FROM auction a
CROSS JOIN LATERAL (
    SELECT count(*) AS orders, count(*) FILTER (WHERE o.fulfilment <> 'CANCELLED') AS live,
           count(*) FILTER (WHERE (s.bidder_id, s.amount, s.currency) = (o.buyer_id, l.goods, o.currency)) AS offered,
           (array_agg(o.buyer_id ORDER BY o.created_at))[1]::text AS buyer, min(o.seller_id::text) AS seller,
           (array_agg(l.goods ORDER BY o.created_at))[1] AS total, min(o.currency) AS currency
    FROM orders o CROSS JOIN LATERAL (SELECT sum(l.quantity::numeric * l.unit_price) AS goods FROM order_line l WHERE l.order_id = o.id) l LEFT JOIN second_chance s ON s.order_id = o.id AND s.auction_id = a.id
    WHERE o.auction_id = a.id
) o
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE status = 'OFFERED') AS open, count(*) FILTER (WHERE status = 'ACCEPTED') AS accepted
    FROM second_chance WHERE auction_id = a.id
) c
WHERE CASE WHEN a.status = 'SOLD'
           THEN (o.buyer, o.seller, o.total, o.currency) IS DISTINCT FROM (a.leader_id::text, a.seller_id::text, a.price, a.currency)
                OR o.orders <> 1 + c.accepted OR o.offered <> c.accepted OR o.live > 1 OR (c.open > 0 AND o.live > 0)
           ELSE o.orders + c.open + c.accepted > 0 END
