-- A promotion was used as often as it has uses that were not given back, and spent what they say; a budget is what was set aside for it. What a quote's charges say of a promotion
-- is its use of it, which is not given back while one of its orders lives.
SELECT format('promotion %s', p.id), format('has %s uses that come to %s, it says %s and %s; %s of its budget of %s are set aside', coalesce(u.uses, 0), coalesce(u.amount, 0), p.uses, p.spent, coalesce(b.funded, 0), coalesce(p.budget, 0))
FROM promotion p
LEFT JOIN (SELECT promotion_id, count(*) AS uses, sum(amount) AS amount FROM promotion_use WHERE given_back_at IS NULL GROUP BY promotion_id) u ON u.promotion_id = p.id
LEFT JOIN (
    SELECT e.cause_id, sum(t.amount) AS funded
    FROM ledger.entry e JOIN ledger.posting t ON t.entry_id = e.id JOIN ledger.account a ON a.id = t.account_id AND a.kind = 'promo_budget' AND a.owner = e.cause_id
    WHERE e.cause_kind = 'promotion'
    GROUP BY e.cause_id
) b ON b.cause_id = p.id
WHERE p.uses <> coalesce(u.uses, 0) OR p.spent <> CASE WHEN p.budget IS NULL THEN 0 ELSE coalesce(u.amount, 0) END OR coalesce(p.budget, 0) <> coalesce(b.funded, 0)
UNION ALL
SELECT format('quote %s', coalesce(c.quote_id, u.quote_id)), format('promotion %s gives %s, its use says %s', coalesce(c.promotion_id, u.promotion_id), coalesce(c.amount, 0), coalesce(u.amount, 0))
FROM (SELECT quote_id, promotion_id, -sum(amount) AS amount FROM quote_charge WHERE kind = 'PROMOTION' GROUP BY quote_id, promotion_id) c
FULL JOIN promotion_use u ON u.quote_id = c.quote_id AND u.promotion_id = c.promotion_id
WHERE c.amount IS DISTINCT FROM u.amount
UNION ALL
SELECT format('order %s', o.id), format('is %s and %s with promotion %s, whose use was given back', o.payment, o.fulfilment, u.promotion_id)
FROM promotion_use u JOIN quote_charge c ON c.quote_id = u.quote_id AND c.promotion_id = u.promotion_id JOIN quote_group g ON g.quote_id = c.quote_id AND g.number = c.group_number
JOIN orders o ON o.id = g.order_id
WHERE u.given_back_at IS NOT NULL AND NOT (o.fulfilment = 'CANCELLED' AND o.payment IN ('VOIDED', 'REFUNDED'))
