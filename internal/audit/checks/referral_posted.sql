-- A commission was set aside once when it became PENDING, and moved once where it MATURED or was CANCELLED: into its referrer's wallet, or back.
WITH wanted AS (
    SELECT 'referral:' || r.id || m.step AS key, l.kind, l.owner, r.currency, l.amount
    FROM referral r
    CROSS JOIN LATERAL (VALUES (':pending', 'referral_cost', 'referral_pending'),
                               (CASE r.status WHEN 'MATURED' THEN ':matured' WHEN 'CANCELLED' THEN ':cancelled' END, 'referral_pending',
                                CASE r.status WHEN 'MATURED' THEN 'wallet' ELSE 'referral_cost' END)) AS m (step, source, target)
    CROSS JOIN LATERAL (VALUES (m.source, -r.amount), (m.target, r.amount)) AS k (kind, amount)
    CROSS JOIN LATERAL (SELECT k.kind, k.amount,
        CASE k.kind WHEN 'referral_cost' THEN '00000000-0000-0000-0000-000000000000'::uuid ELSE r.referrer_id END AS owner) AS l
    WHERE r.status <> 'WAITING' AND m.step IS NOT NULL
), posted AS (
    SELECT e.key, a.kind, a.owner, a.currency, sum(p.amount) AS amount
    FROM ledger.entry e
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id
    WHERE e.cause_kind = 'referral' AND e.reverses IS NULL
    GROUP BY e.key, a.kind, a.owner, a.currency
)
SELECT format('entry %s', key), format('%s of %s got %s %s, not %s', kind, owner, coalesce(p.amount, 0), currency, coalesce(w.amount, 0))
FROM wanted w
FULL JOIN posted p USING (key, kind, owner, currency)
WHERE w.amount IS DISTINCT FROM p.amount
