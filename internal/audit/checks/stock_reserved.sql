-- What is reserved of a stock is what open reservations hold of it, and no more than is there.
SELECT format('variant %s at %s', s.variant_id, s.location_id), format('%s of %s are reserved, open reservations hold %s', s.reserved, s.on_hand, coalesce(h.held, 0))
FROM stock s LEFT JOIN (
    SELECT l.variant_id, l.location_id, sum(l.quantity) AS held
    FROM reservation_line l JOIN reservation r ON r.id = l.reservation_id AND r.status = 'OPEN'
    GROUP BY l.variant_id, l.location_id
) h USING (variant_id, location_id)
WHERE s.reserved <> coalesce(h.held, 0) OR s.reserved > s.on_hand
