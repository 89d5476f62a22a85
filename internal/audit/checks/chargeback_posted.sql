-- A chargeback's money moved once each way, as its row has it: withdrawn and reinstated by the provider's records that the row names,
-- lost by what its payer's wallet or its order's escrow covered, the rest being the platform's loss; and where the bank took that back, the
-- other way round once.
WITH moved AS (
    SELECT c.id AS chargeback, e.key, sum(p.amount) FILTER (WHERE a.kind = 'chargeback' AND a.owner = c.id) AS own,
           sum(p.amount) FILTER (WHERE a.kind IN ('wallet', 'escrow')) AS covered,
           coalesce(sum(p.amount) FILTER (WHERE a.kind = 'chargeback_loss'), 0) AS loss
    FROM chargeback c
    JOIN ledger.entry e ON e.cause_kind = 'chargeback' AND e.cause_id = c.id AND e.reverses IS NULL
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id
    GROUP BY c.id, e.id
), wanted AS (
    SELECT id AS chargeback, 'chargeback:' || id || ':withdrawn' AS key, -amount AS own, NULL::bigint AS covered, 0::bigint AS loss, withdrawn_txn_id AS txn
    FROM chargeback WHERE withdrawn_txn_id IS NOT NULL
    UNION ALL
    SELECT id, 'chargeback:' || id || ':reinstated', amount, NULL, 0, reinstated_txn_id FROM chargeback WHERE reinstated_txn_id IS NOT NULL
    UNION ALL
    SELECT id, 'chargeback:' || id || ':lost', amount, nullif(-coalesce(covered, lost_covered), 0), coalesce(covered, lost_covered) - amount, NULL
    FROM chargeback WHERE coalesce(covered, lost_covered) IS NOT NULL
    UNION ALL
    SELECT id, 'chargeback:' || id || ':reopened', -amount, nullif(lost_covered, 0), amount - lost_covered, NULL FROM chargeback WHERE lost_covered IS NOT NULL
)
SELECT format('chargeback %s', chargeback), format('entry %s moved %s (covered %s, loss %s), its row wants %s (%s, %s)%s', key, coalesce(m.own, 0),
    coalesce(m.covered, 0), coalesce(m.loss, 0), coalesce(w.own, 0), coalesce(w.covered, 0), coalesce(w.loss, 0),
    CASE WHEN t.entry_key IS DISTINCT FROM key AND w.txn IS NOT NULL THEN format(', and record %s is of %s', w.txn, coalesce(t.entry_key, 'nothing')) END)
FROM moved m
FULL JOIN wanted w USING (chargeback, key)
LEFT JOIN provider_txn t ON t.provider = 'stripe' AND t.id = w.txn
WHERE (m.own, m.covered, m.loss) IS DISTINCT FROM (w.own, w.covered, w.loss) OR (w.txn IS NOT NULL AND t.entry_key IS DISTINCT FROM key)
