-- A commission is for a completed purchase of the one who was brought, in its currency, and at most the platform's fee on it.
SELECT format('referral %s', r.id),
       format('of %s is over %s %s for order %s: of %s, %s less %s %s, completed at %s', r.referee_id, r.amount, r.currency, r.order_id,
              o.buyer_id, o.total, o.fee, o.currency, o.settled_at)
FROM referral r
LEFT JOIN orders o ON o.id = r.order_id
WHERE r.status <> 'WAITING'
  AND ((o.buyer_id, o.currency) IS DISTINCT FROM (r.referee_id, r.currency) OR r.amount > o.fee OR o.settled_at IS NULL)
