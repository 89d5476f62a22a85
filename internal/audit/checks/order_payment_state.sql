-- An order's state is its payments': PAID and what follows has one that was captured, unless it is over nothing, AUTHORISED one that is authorised or being
-- captured, and after a cancellation one that is being let go; no other order has such. A payment is its order's total, by its buyer;
-- one that came to nothing may be what the order's goods cost, where that was checked out later.
SELECT format('order %s', o.id),
       format('is %s and %s, and has %s captured, %s authorised, %s under way, %s being let go', o.payment, o.fulfilment,
              p.captured, p.authorised, p.begun, p.voiding)
FROM orders o
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE status = 'CAPTURED') AS captured,
           count(*) FILTER (WHERE status IN ('AUTHORISED', 'CAPTURING')) AS authorised,
           count(*) FILTER (WHERE status IN ('PROCESSING', 'REQUIRES_ACTION')) AS begun,
           count(*) FILTER (WHERE status = 'VOIDING') AS voiding
    FROM order_payment WHERE order_id = o.id
) p
WHERE p.captured <> CASE WHEN o.total > 0 AND o.payment IN ('PAID', 'SETTLED', 'REFUNDED', 'CHARGED_BACK') THEN 1 ELSE 0 END
   OR p.authorised <> CASE WHEN o.payment = 'AUTHORISED' AND o.fulfilment <> 'CANCELLED' THEN 1 ELSE 0 END
   OR (p.begun > 0 AND (o.payment, o.fulfilment) <> ('PENDING', 'PENDING'))
   OR (o.fulfilment = 'CANCELLED' AND (p.voiding = 0) <> (o.payment IN ('VOIDED', 'REFUNDED', 'CHARGED_BACK')))
UNION ALL
SELECT format('payment %s', p.id),
       format('of %s and %s %s by user %s is of order %s over %s %s of user %s', p.wallet_amount, p.card_amount, p.currency, p.user_id,
              p.order_id, o.total, o.currency, o.buyer_id)
FROM order_payment p
LEFT JOIN orders o ON o.id = p.order_id
WHERE (o.currency, o.buyer_id) IS DISTINCT FROM (p.currency, p.user_id)
   OR p.wallet_amount + p.card_amount <> o.total AND NOT (o.quote_id IS NOT NULL AND p.status IN ('FAILED', 'VOIDING', 'VOIDED')
      AND p.wallet_amount + p.card_amount = (SELECT sum(l.quantity::numeric * l.unit_price) FROM order_line l WHERE l.order_id = o.id))
