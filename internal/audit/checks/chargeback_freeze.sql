-- While a top-up is charged back and not decided, the wallet that it had come into is frozen for it.
SELECT format('chargeback %s', c.id), format('it is %s, and the wallet of %s is not frozen for it', c.status, c.user_id)
FROM chargeback c
WHERE c.top_up_id IS NOT NULL AND c.withdrawn_txn_id IS NOT NULL AND c.decided_at IS NULL AND NOT EXISTS (
    SELECT FROM ledger.freeze f WHERE f.owner = c.user_id AND f.cause_kind = 'chargeback' AND f.cause_id = c.id AND f.lifted_at IS NULL)
