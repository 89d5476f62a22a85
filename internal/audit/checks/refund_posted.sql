-- A refund that was sent has one entry, and so has what did not arrive, which is in its user's wallet; both have the provider's
-- record where the money moved there. No other refund has one.
WITH wanted AS (
    SELECT r.id, 'refund:' || r.id || ':' || l.step AS key, r.currency, l.kind, l.owner, l.amount
    FROM refund r,
         LATERAL (VALUES ('settled', 'refund_in_flight', r.id, -r.amount, r.settled_at IS NOT NULL),
                         ('returned', 'wallet', r.user_id, r.amount, r.status = 'FAILED' AND r.settled_at IS NOT NULL),
                         ('failed', 'wallet', r.user_id, r.amount, r.status = 'FAILED' AND r.settled_at IS NULL),
                         ('failed', 'refund_in_flight', r.id, -r.amount, r.status = 'FAILED' AND r.settled_at IS NULL)
         ) AS l (step, kind, owner, amount, due)
    WHERE l.due
), posted AS (
    SELECT e.cause_id AS id, e.key, a.currency, a.kind, a.owner, sum(p.amount) AS amount
    FROM ledger.entry e
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id AND a.kind NOT IN ('psp_clearing', 'psp_fees')
    WHERE e.cause_kind = 'refund' AND e.reverses IS NULL
    GROUP BY e.cause_id, e.key, a.currency, a.kind, a.owner
)
SELECT format('refund %s', id), format('%s: %s of %s got %s %s, not %s', key, kind, owner, coalesce(p.amount, 0), currency, coalesce(w.amount, 0))
FROM wanted w
FULL JOIN posted p USING (id, key, currency, kind, owner)
WHERE w.amount IS DISTINCT FROM p.amount
UNION ALL
SELECT format('refund %s', r.id), format('no record of the provider says that %s %s moved by %s', l.gross, r.currency, l.txn)
FROM refund r,
     LATERAL (VALUES ('settled', 'REFUND', r.balance_txn_id, -r.amount),
                     ('returned', 'REFUND_FAILURE', r.failure_txn_id, r.amount)) AS l (step, kind, txn, gross)
WHERE l.txn IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM provider_txn t
      WHERE (t.id, t.kind, t.currency, t.gross, t.entry_key) = (l.txn, l.kind, r.currency, l.gross, 'refund:' || r.id || ':' || l.step))
