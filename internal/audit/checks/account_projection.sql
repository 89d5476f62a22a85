-- A guarded account's balance is the sum of its postings and the balance after its last one.
SELECT format('account %s', b.account_id),
       format('%s of %s: projected %s after %s postings, sum %s, last %s with number %s', a.kind, a.owner,
              b.balance, b.seq, coalesce(s.sum, 0), coalesce(l.balance, 0), coalesce(l.seq, 0))
FROM ledger.balance b
LEFT JOIN ledger.account a ON a.id = b.account_id
LEFT JOIN (SELECT account_id, sum(amount) AS sum FROM ledger.posting GROUP BY account_id) s ON s.account_id = b.account_id
LEFT JOIN (
    SELECT DISTINCT ON (account_id) account_id, balance, seq
    FROM ledger.posting WHERE seq IS NOT NULL
    ORDER BY account_id, seq DESC
) l ON l.account_id = b.account_id
WHERE (b.balance, b.balance, b.seq) IS DISTINCT FROM (coalesce(s.sum, 0), coalesce(l.balance, 0), coalesce(l.seq, 0))
