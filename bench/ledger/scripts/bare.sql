-- The statements of ledger.post(), as they are in its text, without what opens accounts, checks and refuses.
\set order random(1, 10000)
\set seller random(100001, 101000)
\set key random(1, 9000000000000000000)
BEGIN;
INSERT INTO bare.entry (key, request_hash, flow, cause_kind, cause_id)
VALUES ('release:' || :key, '\x0000000000000000000000000000000000000000000000000000000000000000',
    'release', 'order', '00000000-0000-4000-8000-000000000001') ON CONFLICT DO NOTHING RETURNING id AS entry \gset
WITH leg AS MATERIALIZED (
    SELECT l.*, b.balance + l.amount AS balance, b.seq + 1 AS seq
    FROM (SELECT a.id, n.currency, n.amount
          FROM unnest('{escrow,seller_pending,platform_fees,tax_payable}'::text[],
                      ARRAY[('00000000-0000-4000-8000-' || lpad((:order)::text, 12, '0'))::uuid, ('00000000-0000-4000-8000-' || lpad((:seller)::text, 12, '0'))::uuid,
                            '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000'],
                      '{"","","",""}'::text[], '{EUR,EUR,EUR,EUR}'::text[], '{-100,80,15,5}'::bigint[]) AS n (kind, owner, ref, currency, amount)
          LEFT JOIN LATERAL (SELECT * FROM bare.account
              WHERE owner = n.owner AND kind = n.kind AND currency = n.currency AND ref = n.ref OFFSET 0) a ON true
          ORDER BY a.id) l
    LEFT JOIN LATERAL (SELECT * FROM bare.balance WHERE account_id = l.id FOR UPDATE) b ON true
), moved AS (
    UPDATE bare.balance b SET balance = l.balance, seq = l.seq FROM leg l WHERE b.account_id = l.id AND l.seq IS NOT NULL
)
INSERT INTO bare.posting (entry_id, account_id, currency, amount, seq, balance)
SELECT :entry, l.id, l.currency, l.amount, l.seq, l.balance FROM leg l;
COMMIT;
