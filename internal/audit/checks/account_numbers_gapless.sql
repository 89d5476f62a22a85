-- The postings of a guarded account are numbered from 1 without a gap.
SELECT format('account %s', account_id), format('%s postings are numbered %s to %s', count(*), min(seq), max(seq))
FROM ledger.posting
WHERE seq IS NOT NULL
GROUP BY account_id
HAVING min(seq) <> 1 OR max(seq) <> count(*) OR count(DISTINCT seq) <> count(*)
