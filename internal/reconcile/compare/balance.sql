-- What the provider's records come to in each currency, and what our clearing account says that the provider owes us.
SELECT currency, coalesce(t.net, 0)::bigint, coalesce(-o.balance, 0)::bigint
FROM (SELECT currency, sum(gross - fee) AS net FROM provider_record GROUP BY currency) t
FULL JOIN (
    SELECT a.currency, r.balance + coalesce((
               SELECT sum(p.amount) FROM ledger.posting p WHERE p.account_id = a.id AND p.seq IS NULL AND p.xid >= r.through), 0) AS balance
    FROM ledger.account a
    JOIN scope s ON a.kind = 'psp_clearing' AND a.ref = s.provider
    JOIN ledger.rollup r ON r.account_id = a.id
) o USING (currency)
ORDER BY currency
