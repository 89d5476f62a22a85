-- An entry has at least two postings.
SELECT format('entry %s', e.id), format('%s with key %s has %s postings', e.flow, e.key, count(p.entry_id))
FROM ledger.entry e
LEFT JOIN ledger.posting p ON p.entry_id = e.id
GROUP BY e.id
HAVING count(p.entry_id) < 2
