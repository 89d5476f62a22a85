-- Guarded postings carry a number and a balance, recorded ones neither; a guarded account has a projection and no rollup, a recorded one the reverse.
SELECT format('account %s', a.id),
       format('%s posting of entry %s has number %s and balance %s', a.mode, p.entry_id, coalesce(p.seq::text, 'none'), coalesce(p.balance::text, 'none'))
FROM ledger.posting p
JOIN ledger.account a ON a.id = p.account_id
WHERE (a.mode = 'guarded') <> (p.seq IS NOT NULL) OR (a.mode = 'guarded') <> (p.balance IS NOT NULL)
UNION ALL
SELECT format('account %s', a.id),
       format('%s %s of %s has %s projection and %s rollup', a.mode, a.kind, a.owner, num_nonnulls(b.account_id), num_nonnulls(r.account_id))
FROM ledger.account a
LEFT JOIN ledger.balance b ON b.account_id = a.id
LEFT JOIN ledger.rollup r ON r.account_id = a.id
WHERE (a.mode = 'guarded') <> (b.account_id IS NOT NULL) OR (a.mode = 'recorded') <> (r.account_id IS NOT NULL)
