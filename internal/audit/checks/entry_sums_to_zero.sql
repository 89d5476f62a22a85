-- The postings of an entry sum to zero in each currency.
SELECT format('entry %s', entry_id), format('sums to %s %s', sum(amount), currency)
FROM ledger.posting
GROUP BY entry_id, currency
HAVING sum(amount) <> 0
