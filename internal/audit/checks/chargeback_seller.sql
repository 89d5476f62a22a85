-- No chargeback ever touches what a seller has: the platform bears what the payer does not cover.
WITH touched AS (
    SELECT id FROM ledger.entry WHERE cause_kind = 'chargeback' OR starts_with(flow, 'chargeback')
    UNION
    SELECT p.entry_id FROM ledger.account a JOIN ledger.posting p ON p.account_id = a.id WHERE a.kind = 'chargeback'
)
SELECT format('entry %s', e.key), format('%s of %s moved by %s %s', a.kind, a.owner, p.amount, a.currency)
FROM touched t
JOIN ledger.entry e USING (id)
JOIN ledger.posting p ON p.entry_id = t.id
JOIN ledger.account a ON a.id = p.account_id AND a.kind IN ('seller_pending', 'seller_available', 'seller_debt', 'payout_in_flight')
