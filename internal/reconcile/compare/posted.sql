-- An entry's posting on the clearing account is the net of the records that it booked. A reversal books none: reversed.sql
-- shows what was taken back.
WITH posted AS (
    SELECT e.id, e.key, a.currency, p.amount
    FROM ledger.account a
    JOIN scope s ON a.kind = 'psp_clearing' AND a.ref = s.provider AND s.since IS NULL
    JOIN ledger.posting p ON p.account_id = a.id
    JOIN ledger.entry e ON e.id = p.entry_id AND e.reverses IS NULL
), recorded AS (
    SELECT t.entry_key AS key, t.currency, sum(t.gross - t.fee) AS net, min(t.id) AS id
    FROM provider_txn t
    JOIN scope s ON t.provider = s.provider AND s.since IS NULL
    GROUP BY t.entry_key, t.currency
)
SELECT CASE WHEN r.net IS NULL THEN 'POSTED_WITHOUT_RECORD' ELSE 'POSTED_DIFFERS' END,
       coalesce(r.id, ''), key, coalesce(p.id, 0), currency, r.net::bigint, -p.amount,
       format('clearing moved by %s %s, our records of it by %s', coalesce(p.amount, 0), currency, coalesce(-r.net, 0))
FROM posted p
FULL JOIN recorded r USING (key, currency)
WHERE -p.amount IS DISTINCT FROM r.net
