-- A recorded account's rollup is the sum of its postings by transactions before its watermark, which is not in the future.
SELECT format('account %s', r.account_id),
       format('rolled up to %s through transaction %s, the sum is %s, and the oldest running transaction is %s',
              r.balance, r.through, coalesce(s.sum, 0), pg_snapshot_xmin(pg_current_snapshot()))
FROM ledger.rollup r
LEFT JOIN (
    SELECT p.account_id, sum(p.amount) AS sum
    FROM ledger.posting p JOIN ledger.rollup r ON r.account_id = p.account_id
    WHERE p.xid < r.through
    GROUP BY p.account_id
) s ON s.account_id = r.account_id
WHERE r.balance <> coalesce(s.sum, 0) OR r.through > pg_snapshot_xmin(pg_current_snapshot())
