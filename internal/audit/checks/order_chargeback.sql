-- What was charged back of an order is what its lost chargebacks took out of its escrow, and while one is withdrawn and not
-- decided the order is disputed; then, and where the platform bears one after the release, nothing is done with it.
SELECT format('order %s', o.id),
       format('%s %s are charged back, its chargebacks took %s; disputed is %s, %s are open', o.charged_back, o.currency, coalesce(c.covered, 0), o.disputed, coalesce(c.open, 0))
FROM orders o
LEFT JOIN (
    SELECT p.order_id, sum(c.covered) AS covered, count(*) FILTER (WHERE c.withdrawn_txn_id IS NOT NULL AND c.decided_at IS NULL) AS open,
           count(*) FILTER (WHERE c.covered = 0 AND c.decided_at > o.settled_at AND o.payment = 'SETTLED') AS late
    FROM chargeback c
    JOIN order_payment p ON p.id = c.order_payment_id AND p.status = 'CAPTURED'
    JOIN orders o ON o.id = p.order_id
    GROUP BY p.order_id
) c ON c.order_id = o.id
WHERE o.charged_back <> coalesce(c.covered, 0) OR o.disputed <> (coalesce(c.open, 0) > 0 OR coalesce(c.late, 0) > 0)
