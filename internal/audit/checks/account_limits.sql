-- A guarded account is within its floor and ceiling after every posting, and now.
SELECT format('account %s', a.id),
       format('%s of %s is at %s after posting %s of entry %s, allowed %s to %s', a.kind, a.owner,
              p.balance, p.seq, p.entry_id, coalesce(a.floor::text, 'any'), coalesce(a.ceiling::text, 'any'))
FROM ledger.posting p
JOIN ledger.account a ON a.id = p.account_id
WHERE p.balance < a.floor OR p.balance > a.ceiling
UNION ALL
SELECT format('account %s', a.id),
       format('%s of %s is at %s, allowed %s to %s', a.kind, a.owner, b.balance, coalesce(a.floor::text, 'any'), coalesce(a.ceiling::text, 'any'))
FROM ledger.balance b
JOIN ledger.account a ON a.id = b.account_id
WHERE b.balance < a.floor OR b.balance > a.ceiling
