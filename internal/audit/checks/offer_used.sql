-- An offer that was used made one order, of one quote of it, of as many at its price at most; a quote of an offer that was confirmed has used it.
SELECT format('offer %s', f.id), format('is %s by order %s, and its quotes made %s', f.status, f.order_id, coalesce(m.orders, 'none'))
FROM price_offer f
LEFT JOIN (
    SELECT q.offer_id, string_agg(o.id::text, ', ' ORDER BY o.id) AS orders, count(*) AS n, min(l.unit_price) AS unit_price, min(l.quantity) AS quantity, min(o.buyer_id::text) AS buyer, min(l.variant_id::text) AS variant
    FROM quote q JOIN checkout c ON c.quote_id = q.id JOIN quote_group g ON g.quote_id = q.id JOIN orders o ON o.id = g.order_id JOIN order_line l ON l.order_id = o.id
    WHERE q.offer_id IS NOT NULL
    GROUP BY q.offer_id
) m ON m.offer_id = f.id
WHERE (f.status = 'USED') <> (m.offer_id IS NOT NULL)
   OR m.offer_id IS NOT NULL AND (m.n <> 1 OR m.orders <> f.order_id::text OR m.unit_price > f.unit_price OR m.quantity <> f.quantity OR m.buyer <> f.buyer_id::text OR m.variant <> f.variant_id::text)
UNION ALL
SELECT format('offer %s', f.id), format('has version %s after %s steps, of which the last is %s; it is %s', f.version, s.n, s.last, f.status)
FROM price_offer f JOIN (SELECT offer_id, count(*) AS n, (array_agg(status ORDER BY number DESC))[1] AS last FROM price_offer_step GROUP BY offer_id) s ON s.offer_id = f.id
WHERE f.version <> s.n OR f.status <> s.last
