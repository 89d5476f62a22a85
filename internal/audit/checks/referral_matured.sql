-- No commission was paid before its order could no longer be returned.
SELECT format('referral %s', r.id), format('was paid at %s, and its entry at %s, before %s', r.resolved_at, e.posted_at, r.matures_at)
FROM referral r
LEFT JOIN ledger.entry e ON e.key = 'referral:' || r.id || ':matured'
WHERE r.status = 'MATURED' AND least(r.resolved_at, e.posted_at) < r.matures_at
