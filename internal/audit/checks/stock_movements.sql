-- A stock is the sum of its movements, which are numbered from 1 without a gap and say what was there after each.
SELECT format('variant %s at %s', s.variant_id, s.location_id),
       format('%s on hand after movement %s; %s movements to %s come to %s', s.on_hand, s.number, count(m.number), coalesce(max(m.number), 0), coalesce(sum(m.quantity), 0))
FROM stock s LEFT JOIN (
    SELECT *, on_hand = sum(quantity) OVER (PARTITION BY variant_id, location_id ORDER BY number) AS right_then FROM stock_movement
) m USING (variant_id, location_id)
GROUP BY s.variant_id, s.location_id
HAVING coalesce(sum(m.quantity), 0) <> s.on_hand OR coalesce(max(m.number), 0) <> s.number OR count(m.number) <> s.number
    OR NOT coalesce(bool_and(m.right_then), true)
