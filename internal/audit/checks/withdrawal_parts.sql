-- A withdrawal has one entry: its amount out of its user's wallet, and each of its refunds on its way, which come to the same.
WITH wanted AS (
    SELECT id, currency, 'wallet' AS kind, user_id AS owner, -amount AS amount FROM withdrawal
    UNION ALL
    SELECT cause_id, currency, 'refund_in_flight', id, amount FROM refund WHERE cause_kind = 'WITHDRAWAL'
), posted AS (
    SELECT e.cause_id AS id, a.currency, a.kind, a.owner, sum(p.amount) AS amount
    FROM ledger.entry e
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id
    WHERE e.cause_kind = 'withdrawal' AND e.reverses IS NULL
    GROUP BY e.cause_id, a.currency, a.kind, a.owner
)
SELECT format('withdrawal %s', id), format('%s of %s got %s %s, not %s', kind, owner, coalesce(p.amount, 0), currency, coalesce(w.amount, 0))
FROM wanted w
FULL JOIN posted p USING (id, currency, kind, owner)
WHERE w.amount IS DISTINCT FROM p.amount
