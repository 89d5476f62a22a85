-- What the platform's promotion has given to an order is its share of what is left, from when the order was made; nothing where it was cancelled unpaid.
-- No other order has had anything of a promotion, and each has it of its own campaign's.
SELECT format('order %s', o.id),
       format('is %s and %s with a subsidy of %s %s, of which %s are due; its promotion gave %s, others %s', o.payment, o.fulfilment, o.subsidy, o.currency, w.due, p.given, p.others)
FROM orders o
CROSS JOIN LATERAL (
    SELECT CASE WHEN o.payment IN ('PENDING', 'AUTHORISED') AND o.fulfilment <> 'CANCELLED' THEN o.subsidy
                WHEN o.payment IN ('PENDING', 'AUTHORISED', 'VOIDED') THEN 0
                ELSE (order_parts(o)).subsidy END AS due
) w
CROSS JOIN LATERAL (
    SELECT coalesce(-sum(p.amount) FILTER (WHERE a.currency = o.currency), 0) AS given,
           coalesce(sum(abs(p.amount)) FILTER (WHERE a.currency <> o.currency OR (a.kind = 'promo_budget' AND a.owner IS DISTINCT FROM o.campaign_id)), 0) AS others
    FROM ledger.entry e
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id AND a.kind IN ('promo_budget', 'promotions')
    WHERE e.cause_kind = 'order' AND e.cause_id = o.id
) p
WHERE p.given <> w.due OR p.others <> 0
