-- What a user's wallet holds in a currency is the sum of their open holds.
SELECT format('user %s', user_id), format('%s %s is held, %s is in open holds', coalesce(l.held, 0), currency, coalesce(h.open, 0))
FROM (
    SELECT a.owner AS user_id, a.currency, sum(b.balance) AS held
    FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id
    WHERE a.kind = 'wallet_held'
    GROUP BY a.owner, a.currency
) l
FULL JOIN (
    SELECT user_id, currency, sum(amount) AS open FROM hold WHERE status = 'OPEN' GROUP BY user_id, currency
) h USING (user_id, currency)
WHERE coalesce(l.held, 0) <> coalesce(h.open, 0)
