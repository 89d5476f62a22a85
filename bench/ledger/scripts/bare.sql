-- The statements of ledger.post(), as they are in its text, without what opens accounts, checks and refuses.
\set order random(1, 10000)
\set seller random(100001, 101000)
\set key random(1, 9000000000000000000)
BEGIN;
INSERT INTO bare.entry (key, request_hash, flow, cause_kind, cause_id)
VALUES ('release:' || :key, '\x0000000000000000000000000000000000000000000000000000000000000000',
    'release', 'order', '00000000-0000-4000-8000-000000000001') ON CONFLICT DO NOTHING RETURNING id AS entry \gset
WITH leg AS MATERIALIZED (
    SELECT a.id, a.mode, n.currency, n.amount
    FROM unnest('{escrow,seller_pending,platform_fees,tax_payable}'::text[],
                ARRAY[('00000000-0000-4000-8000-' || lpad((:order)::text, 12, '0'))::uuid, ('00000000-0000-4000-8000-' || lpad((:seller)::text, 12, '0'))::uuid,
                      '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000'],
                '{"","","",""}'::text[], '{EUR,EUR,EUR,EUR}'::text[], '{-100,80,15,5}'::bigint[]) AS n (kind, owner, ref, currency, amount)
    LEFT JOIN LATERAL (SELECT * FROM bare.account
        WHERE owner = n.owner AND kind = n.kind AND currency = n.currency AND ref = n.ref OFFSET 0) a ON true
    ORDER BY id
), moved AS (
    INSERT INTO bare.balance AS b (account_id, balance, seq) SELECT id, amount, 1 FROM leg WHERE mode = 'guarded'
    ON CONFLICT (account_id) DO UPDATE SET balance = b.balance + EXCLUDED.balance, seq = b.seq + 1
    RETURNING account_id, balance, seq
)
INSERT INTO bare.posting (entry_id, account_id, currency, amount, seq, balance)
SELECT :entry, l.id, l.currency, l.amount, m.seq, m.balance FROM leg l LEFT JOIN moved m ON m.account_id = l.id;
COMMIT;
