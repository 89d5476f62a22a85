-- An order says what its open claim is, and it has one at most; only one that was sent has any.
SELECT format('order %s', o.id), format('is %s and %s, says that its claim is %s; it is %s', o.payment, o.fulfilment, coalesce(o.claim, 'none'), coalesce(c.status, 'none'))
FROM orders o
LEFT JOIN order_claim c ON c.order_id = o.id AND c.ended_at IS NULL
WHERE o.claim IS DISTINCT FROM c.status OR (c.id IS NOT NULL AND o.fulfilment IN ('PENDING', 'CANCELLED'))
