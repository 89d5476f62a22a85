-- The goods of a cancelled order are back where they were reserved, once; of another order so many of each line as came back after they were sent, of it no more than was sold.
SELECT format('order %s', o.id), format('is %s: %s of variant %s went back to %s, it had %s', o.fulfilment, coalesce(m.quantity, 0), rl.variant_id, rl.location_id, rl.quantity)
FROM orders o JOIN order_line ol ON ol.order_id = o.id JOIN listing l ON l.id = ol.listing_id AND l.kind <> 'DIGITAL_CODE'
JOIN reservation_line rl ON rl.reservation_id = o.reservation_id AND rl.variant_id = ol.variant_id AND rl.location_id IS NOT NULL
LEFT JOIN (
    SELECT cause_id, variant_id, location_id, sum(quantity) AS quantity FROM stock_movement WHERE kind = 'RETURNED' GROUP BY cause_id, variant_id, location_id
) m ON m.cause_id = o.id AND m.variant_id = rl.variant_id AND m.location_id = rl.location_id
WHERE CASE o.fulfilment WHEN 'CANCELLED' THEN coalesce(m.quantity, 0) <> rl.quantity ELSE coalesce(m.quantity, 0) > rl.quantity END
UNION ALL
SELECT format('order %s', o.id), format('is %s: of line %s %s came back, and %s went to stock', o.fulfilment, ol.number, b.quantity, coalesce(m.quantity, 0))
FROM orders o JOIN order_line ol ON ol.order_id = o.id
CROSS JOIN LATERAL (SELECT coalesce(sum(r.quantity), 0) AS quantity FROM order_restock r WHERE r.order_id = o.id AND r.number = ol.number) b
CROSS JOIN LATERAL (SELECT sum(s.quantity) AS quantity FROM stock_movement s WHERE s.kind = 'RETURNED' AND s.cause_id = o.id AND s.variant_id = ol.variant_id) m
WHERE o.fulfilment <> 'CANCELLED' AND (b.quantity > ol.quantity OR coalesce(m.quantity, 0) <> CASE
    WHEN EXISTS (SELECT FROM reservation_line rl WHERE rl.reservation_id = o.reservation_id AND rl.variant_id = ol.variant_id AND rl.location_id IS NOT NULL) THEN b.quantity ELSE 0 END)
UNION ALL
SELECT format('variant %s at %s', m.variant_id, m.location_id), format('movement %s returned %s for no order', m.number, m.quantity)
FROM stock_movement m
WHERE m.kind = 'RETURNED' AND NOT EXISTS (
    SELECT 1 FROM orders o JOIN order_line ol ON ol.order_id = o.id WHERE o.id = m.cause_id AND ol.variant_id = m.variant_id)
