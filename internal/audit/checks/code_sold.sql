-- An order that was paid by its reservation has as many codes of each variant as were reserved of its listing, and no other order has one.
SELECT format('order %s', o.id), format('%s codes of variant %s, %s were reserved', coalesce(c.codes, 0), coalesce(c.variant_id, r.variant_id), coalesce(r.quantity, 0))
FROM (
    SELECT o.id AS order_id, l.variant_id, sum(l.quantity) AS quantity
    FROM orders o JOIN reservation_line l ON l.reservation_id = o.reservation_id JOIN variant v ON v.id = l.variant_id AND v.listing_id = o.listing_id
    JOIN listing g ON g.id = o.listing_id AND g.kind = 'DIGITAL_CODE'
    GROUP BY o.id, l.variant_id
) r FULL JOIN (
    SELECT order_id, variant_id, count(*) AS codes FROM code WHERE order_id IS NOT NULL GROUP BY order_id, variant_id
) c ON c.order_id = r.order_id AND c.variant_id = r.variant_id
JOIN orders o ON o.id = coalesce(r.order_id, c.order_id)
WHERE coalesce(c.codes, 0) <> coalesce(r.quantity, 0)
