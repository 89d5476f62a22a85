-- A user's referral_pending account is the sum of the PENDING commissions of those whom they brought.
WITH owed AS (
    SELECT referrer_id AS owner, currency, sum(amount) AS amount FROM referral WHERE status = 'PENDING' GROUP BY referrer_id, currency
), held AS (
    SELECT a.owner, a.currency, sum(b.balance) AS amount
    FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id
    WHERE a.kind = 'referral_pending'
    GROUP BY a.owner, a.currency
)
SELECT format('user %s', owner), format('has %s %s pending for commissions of %s', coalesce(h.amount, 0), currency, coalesce(o.amount, 0))
FROM owed o
FULL JOIN held h USING (owner, currency)
WHERE coalesce(h.amount, 0) <> coalesce(o.amount, 0)
