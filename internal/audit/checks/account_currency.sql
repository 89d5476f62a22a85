-- A posting is on an account that exists, in that account's currency.
SELECT format('entry %s', p.entry_id),
       format('has %s %s on account %s, whose currency is %s', p.amount, p.currency, p.account_id, coalesce(a.currency, 'none: there is no such account'))
FROM ledger.posting p
LEFT JOIN ledger.account a ON a.id = p.account_id
WHERE p.currency IS DISTINCT FROM a.currency
