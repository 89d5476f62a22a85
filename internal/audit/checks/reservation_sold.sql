-- A consumed reservation took each of its lines out of stock once, and no other took anything.
SELECT format('reservation %s', r.id), format('%s: %s of %s are sold at %s, it wanted %s', r.status, coalesce(-m.quantity, 0), l.variant_id, l.location_id, l.quantity)
FROM reservation r JOIN reservation_line l ON l.reservation_id = r.id AND l.location_id IS NOT NULL
LEFT JOIN (
    SELECT cause_id, variant_id, location_id, sum(quantity) AS quantity FROM stock_movement WHERE kind = 'SOLD' GROUP BY cause_id, variant_id, location_id
) m ON m.cause_id = r.id AND m.variant_id = l.variant_id AND m.location_id = l.location_id
WHERE coalesce(-m.quantity, 0) <> CASE r.status WHEN 'CONSUMED' THEN l.quantity ELSE 0 END
UNION ALL
SELECT format('variant %s at %s', m.variant_id, m.location_id), format('movement %s sold %s for no reservation', m.number, -m.quantity)
FROM stock_movement m
WHERE m.kind = 'SOLD' AND NOT EXISTS (
    SELECT 1 FROM reservation_line l WHERE l.reservation_id = m.cause_id AND l.variant_id = m.variant_id AND l.location_id = m.location_id)
