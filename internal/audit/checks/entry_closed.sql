-- Nothing is appended to an entry: its postings were made by the transaction that made it.
SELECT format('entry %s', p.entry_id),
       format('posting on account %s was made by transaction %s, the entry by %s', p.account_id, p.xid, coalesce(e.xid::text, 'none'))
FROM ledger.posting p
LEFT JOIN ledger.entry e ON e.id = p.entry_id
WHERE p.xid IS DISTINCT FROM e.xid
