-- A refund's money is in flight while it is PROCESSING, and nothing is otherwise; nothing is in flight without a refund.
SELECT format('refund %s', id),
       format('%s %s is in flight; the refund %s', coalesce(f.balance, 0), currency,
              coalesce(format('is %s over %s', r.status, r.amount), 'does not exist in this currency'))
FROM refund r
FULL JOIN (
    SELECT a.owner AS id, a.currency, sum(b.balance) AS balance
    FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id
    WHERE a.kind = 'refund_in_flight'
    GROUP BY a.owner, a.currency
) f USING (id, currency)
WHERE coalesce(f.balance, 0) <> CASE WHEN r.status = 'PROCESSING' THEN r.amount ELSE 0 END
