-- A succeeded top-up has one entry: its amount into its user's wallet, the provider's fee as a cost, and what the provider owes us for both.
WITH wanted AS (
    SELECT t.id, t.currency, l.kind, l.owner, l.amount
    FROM top_up t,
         LATERAL (VALUES ('psp_clearing', '00000000-0000-0000-0000-000000000000'::uuid, t.fee - t.amount),
                         ('psp_fees', '00000000-0000-0000-0000-000000000000', -t.fee),
                         ('wallet', t.user_id, t.amount)) AS l (kind, owner, amount)
    WHERE t.status = 'SUCCEEDED' AND l.amount <> 0
), posted AS (
    SELECT e.cause_id AS id, a.currency, a.kind, a.owner, sum(p.amount) AS amount
    FROM ledger.entry e
    JOIN top_up t ON t.id = e.cause_id AND t.status = 'SUCCEEDED'
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id
    WHERE e.flow = 'top_up' AND e.cause_kind = 'top_up'
    GROUP BY e.cause_id, a.currency, a.kind, a.owner
)
SELECT format('top-up %s', id), format('%s of %s got %s %s, not %s', kind, owner, coalesce(p.amount, 0), currency, coalesce(w.amount, 0))
FROM wanted w
FULL JOIN posted p USING (id, currency, kind, owner)
WHERE w.amount IS DISTINCT FROM p.amount
UNION ALL
SELECT format('top-up %s', t.id), format('has %s entries', count(*))
FROM top_up t
JOIN ledger.entry e ON e.cause_id = t.id AND e.cause_kind = 'top_up' AND e.flow = 'top_up'
WHERE t.status = 'SUCCEEDED'
GROUP BY t.id
HAVING count(*) > 1
