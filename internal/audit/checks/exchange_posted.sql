-- An exchange has one entry, between its user's two wallets and the platform's two fx accounts, and gave what its rate less its margin gives, rounded down.
-- One for an order is what the order's quote has told, which is the least that gives its total; a checkout that was paid so has one for each order, and no other has any.
WITH wanted AS (
    SELECT x.id, l.currency, l.kind, l.owner, l.amount
    FROM exchange x,
         LATERAL (VALUES (x.from_currency, 'wallet', x.user_id, -x.from_amount),
                         (x.from_currency, 'fx', '00000000-0000-0000-0000-000000000000'::uuid, x.from_amount),
                         (x.to_currency, 'fx', '00000000-0000-0000-0000-000000000000', -x.to_amount),
                         (x.to_currency, 'wallet', x.user_id, x.to_amount)) AS l (currency, kind, owner, amount)
), posted AS (
    SELECT e.cause_id AS id, a.currency, a.kind, a.owner, sum(p.amount) AS amount
    FROM ledger.entry e
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id
    WHERE e.flow = 'exchange'
    GROUP BY e.cause_id, a.currency, a.kind, a.owner
)
SELECT format('exchange %s', id), format('%s of %s got %s %s, not %s', kind, owner, coalesce(p.amount, 0), currency, coalesce(w.amount, 0))
FROM wanted w
FULL JOIN posted p USING (id, currency, kind, owner)
WHERE w.amount IS DISTINCT FROM p.amount
UNION ALL
SELECT format('exchange %s', cause_id), format('has %s entries: %s', count(*), string_agg(key, ', '))
FROM ledger.entry
WHERE flow = 'exchange'
GROUP BY cause_id
HAVING count(*) > 1 OR min(key) <> 'exchange:' || cause_id
UNION ALL
SELECT format('exchange %s', id),
       format('gave %s %s for %s %s at %s less %s basis points', to_amount, to_currency, from_amount, from_currency, rate, margin_bp)
FROM exchange
WHERE to_amount <> div(from_amount * rate::numeric * (10000 - margin_bp) * 10::numeric ^ to_digits, 10000 * 10::numeric ^ from_digits)
UNION ALL
SELECT format('order %s', coalesce(x.order_id, k.order_id)),
       format('its buyer %s exchanged %s %s for %s %s at %s, where the checkout has %s %s for %s %s at %s', coalesce(x.user_id, k.user_id),
              x.from_amount, x.from_currency, x.to_amount, x.to_currency, x.rate, k.from_amount, k.from_currency, k.to_amount, k.to_currency, k.rate)
FROM (SELECT * FROM exchange WHERE order_id IS NOT NULL) x
FULL JOIN (
    SELECT g.order_id, c.user_id, e.from_currency, e.from_amount, e.to_currency, e.to_amount, e.rate, e.margin_bp, e.source, e.as_of
    FROM checkout c JOIN quote_group g ON g.quote_id = c.quote_id LEFT JOIN quote_exchange e ON e.quote_id = g.quote_id AND e.group_number = g.number
    WHERE c.exchanged IS NOT NULL AND g.total > 0
) k ON k.order_id = x.order_id
WHERE (x.user_id, x.from_currency, x.from_amount, x.to_currency, x.to_amount, x.rate, x.margin_bp, x.source, x.as_of)
    IS DISTINCT FROM (k.user_id, k.from_currency, k.from_amount, k.to_currency, k.to_amount, k.rate, k.margin_bp, k.source, k.as_of)
UNION ALL
SELECT format('quote %s', q.id), format('costs %s %s, and is told to cost %s %s, which give %s; %s was paid', q.total, q.currency, sum(e.from_amount), q.pay_currency, sum(e.to_amount), c.exchanged)
FROM quote q JOIN quote_exchange e ON e.quote_id = q.id JOIN quote_group g ON g.quote_id = q.id AND g.number = e.group_number LEFT JOIN checkout c ON c.quote_id = q.id
GROUP BY q.id, c.exchanged
HAVING sum(g.total) <> q.total OR c.exchanged <> sum(e.from_amount) OR bool_or(e.from_currency <> q.pay_currency OR e.to_currency <> q.currency)
    OR bool_or(e.to_amount < g.total OR div((e.from_amount - 1) * e.rate::numeric * (10000 - e.margin_bp) * 10::numeric ^ e.to_digits, 10000 * 10::numeric ^ e.from_digits) >= g.total)
