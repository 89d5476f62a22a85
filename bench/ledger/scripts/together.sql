\set order random(1, 10000)
\set seller random(100001, 101000)
\set key random(1, 9000000000000000000)
WITH locked AS MATERIALIZED (
    SELECT account_id FROM bare.balance WHERE account_id IN (:order, :seller) ORDER BY account_id FOR UPDATE
), entry AS (
    INSERT INTO bare.entry (key, request_hash, flow, cause_kind, cause_id)
    VALUES ('release:' || :key, '\x0000000000000000000000000000000000000000000000000000000000000000',
        'release', 'order', '00000000-0000-4000-8000-000000000001') RETURNING id
), moved AS (
    UPDATE bare.balance b SET balance = balance + CASE b.account_id WHEN :order THEN -100 ELSE 80 END, seq = seq + 1
    FROM locked l WHERE b.account_id = l.account_id RETURNING b.account_id, b.balance, b.seq
)
INSERT INTO bare.posting (entry_id, account_id, currency, amount, seq, balance)
SELECT entry.id, l.account_id, 'EUR', l.amount, m.seq, m.balance
FROM entry CROSS JOIN (VALUES ((:order)::bigint, -100), (:seller, 80), (200001, 15), (200002, 5)) l (account_id, amount)
LEFT JOIN moved m USING (account_id);
