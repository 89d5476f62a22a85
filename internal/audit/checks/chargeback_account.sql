-- What a chargeback's account holds is what is withdrawn and not decided; decided, and while the bank only asks, it is zero.
SELECT format('chargeback %s', id), format('its account stands at %s %s, while it is %s over %s', coalesce(l.balance, 0), coalesce(l.currency, c.currency),
    coalesce(c.status, 'unknown'), coalesce(c.amount, 0))
FROM (
    SELECT a.owner AS id, a.currency, b.balance
    FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id
    WHERE a.kind = 'chargeback'
) l
FULL JOIN chargeback c USING (id, currency)
WHERE coalesce(l.balance, 0) <> CASE WHEN c.withdrawn_txn_id IS NOT NULL AND c.decided_at IS NULL THEN -c.amount ELSE 0 END
