-- Each posting on a provider's clearing account comes from the provider's own records of it, and each record was booked
-- by its entry. A reversal has no record: reconciliation shows what an operator took back.
WITH posted AS (
    SELECT e.key, a.currency, sum(p.amount) AS amount
    FROM ledger.posting p
    JOIN ledger.account a ON a.id = p.account_id AND a.kind = 'psp_clearing'
    JOIN ledger.entry e ON e.id = p.entry_id AND e.reverses IS NULL
    GROUP BY e.key, a.currency
), recorded AS (
    SELECT entry_key AS key, currency, -sum(gross - fee) AS amount, string_agg(id, ', ') AS ids
    FROM provider_txn
    GROUP BY entry_key, currency
)
SELECT format('entry %s', key), format('clearing moved by %s %s, the provider''s records (%s) by %s', coalesce(p.amount, 0), currency,
    coalesce(r.ids, 'none'), coalesce(r.amount, 0))
FROM posted p
FULL JOIN recorded r USING (key, currency)
WHERE p.amount IS DISTINCT FROM r.amount
