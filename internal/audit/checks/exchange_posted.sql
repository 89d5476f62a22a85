-- An exchange has one entry, between its user's two wallets and the platform's two fx accounts, and gave what its rate less its margin gives, rounded down.
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
