-- A step at a time: the entry, the accounts by name, the locks, the balances with the postings.
\set order random(1, 10000)
\set seller random(100001, 101000)
\set key random(1, 9000000000000000000)
BEGIN;
INSERT INTO bare.entry (key, request_hash, flow, cause_kind, cause_id)
VALUES ('release:' || :key, '\x0000000000000000000000000000000000000000000000000000000000000000',
    'release', 'order', '00000000-0000-4000-8000-000000000001') ON CONFLICT DO NOTHING RETURNING id AS entry \gset
SELECT
    (SELECT id FROM bare.account WHERE owner = ('00000000-0000-4000-8000-' || lpad((:order)::text, 12, '0'))::uuid
     AND kind = 'escrow' AND currency = 'EUR' AND ref = '') AS order,
    (SELECT id FROM bare.account WHERE owner = ('00000000-0000-4000-8000-' || lpad((:seller)::text, 12, '0'))::uuid
     AND kind = 'seller_pending' AND currency = 'EUR' AND ref = '') AS seller,
    (SELECT id FROM bare.account WHERE owner = '00000000-0000-0000-0000-000000000000' AND kind = 'platform_fees' AND currency = 'EUR' AND ref = '') AS fees,
    (SELECT id FROM bare.account WHERE owner = '00000000-0000-0000-0000-000000000000' AND kind = 'tax_payable' AND currency = 'EUR' AND ref = '') AS tax
\gset
SELECT FROM bare.balance WHERE account_id IN (:order, :seller) ORDER BY account_id FOR UPDATE;
WITH moved AS (
    UPDATE bare.balance SET balance = balance + CASE account_id WHEN :order THEN -100 ELSE 80 END, seq = seq + 1
    WHERE account_id IN (:order, :seller) RETURNING account_id, balance, seq
)
INSERT INTO bare.posting (entry_id, account_id, currency, amount, seq, balance)
SELECT :entry, l.account_id, 'EUR', l.amount, m.seq, m.balance
FROM (VALUES ((:order)::bigint, -100), (:seller, 80), (:fees, 15), (:tax, 5)) l (account_id, amount)
LEFT JOIN moved m USING (account_id);
COMMIT;
