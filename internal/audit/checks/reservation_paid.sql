-- A reservation that was paid or confirmed is consumed, and its orders come to what was agreed; no other reservation has orders.
SELECT format('reservation %s', r.id), format('%s: %s %s were agreed, its orders come to %s', r.status, coalesce(p.total, 0), coalesce(p.currency, ''), coalesce(o.total, 0))
FROM (
    SELECT reservation_id, user_id, total, currency FROM reservation_payment
    UNION ALL
    SELECT q.reservation_id, q.user_id, q.total, q.currency FROM checkout c JOIN quote q ON q.id = c.quote_id
) p FULL JOIN (
    SELECT reservation_id, sum(total) AS total, min(currency) AS currency, min(buyer_id::text) AS buyer FROM orders WHERE reservation_id IS NOT NULL GROUP BY reservation_id
) o ON o.reservation_id = p.reservation_id
JOIN reservation r ON r.id = coalesce(p.reservation_id, o.reservation_id)
WHERE p.total IS DISTINCT FROM o.total OR p.currency IS DISTINCT FROM o.currency OR r.status <> 'CONSUMED' OR o.buyer IS DISTINCT FROM p.user_id::text
