-- What was refunded of an order is the sum of its refunds, and to each source what its share of what is left leaves, so never more than
-- it paid; after a chargeback the rest is the wallet's. The card's part of each is a refund of that charge; beside those, what somebody
-- captured while it was let go is refunded whole. No other refund is of an order's payment.
WITH given AS (
    SELECT o.id, o.total, o.refunded, o.charged_back, o.currency, o.payment, p.wallet_amount, p.card_amount,
           coalesce(r.wallet, 0) AS wallet, coalesce(r.card, 0) AS card, coalesce(r.foreign_refunds, 0) AS foreign_refunds,
           EXISTS (SELECT FROM chargeback c WHERE c.order_payment_id = p.id AND c.lost_covered IS NOT NULL) AS reopened,
           div(p.card_amount::numeric * (o.total - o.refunded), nullif(o.total, 0)) AS on_card
    FROM orders o
    LEFT JOIN order_payment p ON p.order_id = o.id AND p.status = 'CAPTURED'
    LEFT JOIN (
        SELECT order_id, sum(wallet_amount) AS wallet, sum(card_amount) AS card, count(*) FILTER (WHERE r.currency <> o.currency) AS foreign_refunds
        FROM order_refund r JOIN orders o ON o.id = r.order_id
        GROUP BY order_id
    ) r ON r.order_id = o.id
)
SELECT format('order %s', id),
       format('%s of %s %s are refunded: %s of %s to the wallet, %s of %s to the card', refunded, total, currency, wallet, wallet_amount, card, card_amount)
FROM given
WHERE wallet + card <> refunded OR foreign_refunds > 0
   OR (refunded > 0 AND charged_back = 0 AND NOT reopened AND (card_amount - card) IS DISTINCT FROM on_card - CASE WHEN currency = 'TND' THEN mod(on_card, 10) ELSE 0 END)
UNION ALL
SELECT format('refund %s', coalesce(r.id, f.id)),
       format('%s %s of payment %s goes back; the order''s refund %s', r.amount, r.currency, r.source_id,
              coalesce(format('gives %s %s of order %s back to the card', f.card_amount, f.currency, f.order_id), 'does not exist'))
FROM (
    SELECT id, order_id, card_amount, currency FROM order_refund
    UNION ALL
    SELECT p.id, p.order_id, t.gross, p.currency
    FROM order_payment p JOIN provider_txn t ON t.entry_key = 'order_payment:' || p.id || ':taken'
    WHERE p.status = 'VOIDED' AND p.charge_id IS NOT NULL
) f
FULL JOIN (SELECT * FROM refund WHERE source_kind = 'ORDER_PAYMENT') r ON r.id = f.id
LEFT JOIN order_payment p ON p.id = r.source_id AND (p.status = 'CAPTURED' OR p.id = r.id)
WHERE (f.card_amount > 0 OR f.id IS NULL)
  AND (r.amount, r.currency, r.cause_kind, r.cause_id, r.intent_id, r.user_id)
      IS DISTINCT FROM (f.card_amount, f.currency, 'ORDER', f.order_id, p.provider_id, p.user_id)
