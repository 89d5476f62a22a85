-- The hold of an order's payment is its buyer's, over the wallet's part, or over more where it held the maximum of a lot's winner: open while the payment is on its way, consumed once it was
-- captured, released otherwise. No order has another hold.
SELECT format('payment %s', p.id),
       format('is %s with %s %s of user %s from the wallet; hold %s %s', p.status, p.wallet_amount, p.currency, p.user_id, coalesce(p.hold_id::text, 'none'),
              coalesce(format('is %s over %s %s of user %s', h.status, h.amount, h.currency, h.user_id), 'does not exist'))
FROM order_payment p
LEFT JOIN hold h ON h.id = p.hold_id
WHERE p.hold_id IS NOT NULL
  AND (h.user_id, CASE WHEN h.cause_kind = 'auction' THEN least(h.amount, p.wallet_amount) ELSE h.amount END, h.currency, h.status)
      IS DISTINCT FROM (p.user_id, p.wallet_amount, p.currency,
      CASE WHEN p.status = 'CAPTURED' THEN 'CONSUMED' WHEN p.status IN ('VOIDING', 'VOIDED', 'FAILED') THEN 'RELEASED' ELSE 'OPEN' END)
UNION ALL
SELECT format('hold %s', h.id), format('is for order %s, and no payment of it has it', h.cause_id)
FROM hold h
WHERE h.cause_kind = 'order' AND NOT EXISTS (SELECT FROM order_payment p WHERE p.hold_id = h.id AND p.order_id = h.cause_id)
