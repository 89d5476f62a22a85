-- A reversal is the exact negation of its entry, and an entry is reversed at most once.
WITH legs AS (
    SELECT r.id AS reversal, r.reverses, p.account_id, p.amount
    FROM ledger.entry r JOIN ledger.posting p ON p.entry_id = r.id
    WHERE r.reverses IS NOT NULL
), originals AS (
    SELECT r.id AS reversal, r.reverses, p.account_id, p.amount
    FROM ledger.entry r JOIN ledger.posting p ON p.entry_id = r.reverses
)
SELECT format('entry %s', coalesce(l.reversal, o.reversal)),
       format('has %s on account %s, where entry %s has %s', coalesce(l.amount, 0), account_id,
              coalesce(l.reverses, o.reverses), coalesce(o.amount, 0))
FROM legs l
FULL JOIN originals o USING (reversal, account_id)
WHERE l.amount IS DISTINCT FROM -o.amount
UNION ALL
SELECT format('entry %s', reverses), format('is reversed %s times', count(*))
FROM ledger.entry
WHERE reverses IS NOT NULL
GROUP BY reverses
HAVING count(*) > 1
