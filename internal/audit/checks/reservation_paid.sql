-- A reservation that was paid is consumed, and its orders come to what was paid; no other reservation has orders.
SELECT format('reservation %s', r.id), format('%s: %s %s were paid, its orders come to %s', r.status, coalesce(p.total, 0), coalesce(p.currency, ''), coalesce(o.total, 0))
FROM reservation_payment p FULL JOIN (
    SELECT reservation_id, sum(total) AS total, min(currency) AS currency, min(buyer_id::text) AS buyer FROM orders WHERE reservation_id IS NOT NULL GROUP BY reservation_id
) o ON o.reservation_id = p.reservation_id
JOIN reservation r ON r.id = coalesce(p.reservation_id, o.reservation_id)
WHERE p.total IS DISTINCT FROM o.total OR p.currency IS DISTINCT FROM o.currency OR r.status <> 'CONSUMED' OR o.buyer IS DISTINCT FROM p.user_id::text
