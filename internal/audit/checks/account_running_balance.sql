-- The balance after each posting of a guarded account is the sum of its postings so far.
SELECT format('account %s', account_id), format('posting %s of entry %s says %s, the sum is %s', seq, entry_id, balance, sum)
FROM (
    SELECT account_id, seq, entry_id, balance, sum(amount) OVER (PARTITION BY account_id ORDER BY seq) AS sum
    FROM ledger.posting
    WHERE seq IS NOT NULL
) p
WHERE balance IS DISTINCT FROM sum
