-- What was booked by an entry stands: that entry was not reversed, or its reversal was reversed in turn.
WITH RECURSIVE chain AS (
    SELECT e.reverses AS root, e.id, 1 AS depth
    FROM ledger.entry e JOIN ledger.entry o ON o.id = e.reverses AND o.reverses IS NULL
    UNION ALL
    SELECT c.root, e.id, c.depth + 1
    FROM chain c JOIN ledger.entry e ON e.reverses = c.id
), undone AS (
    SELECT root, max(id) AS by FROM chain GROUP BY root HAVING max(depth) % 2 = 1
)
SELECT 'ENTRY_REVERSED', t.id, t.entry_key, e.id, t.currency, t.gross, NULL::bigint,
       format('entry %s reversed entry %s, which booked a %s of %s %s less %s; the provider''s record stands', u.by, e.id, t.kind, t.gross, t.currency, t.fee)
FROM undone u
JOIN ledger.entry e ON e.id = u.root
JOIN provider_txn t ON t.entry_key = e.key
JOIN scope s ON s.provider = t.provider AND (s.since IS NULL OR t.booked_at >= s.since)
