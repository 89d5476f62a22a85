-- 10 000 orders with money in escrow, 1000 sellers, and the platform's accounts. The numbers of the accounts are
-- given, so that a bare script need not look them up. Run once, as the database's owner.
INSERT INTO ledger.account_kind (kind, mode, owned, floor) VALUES ('locked_fees', 'guarded', false, 0);

CREATE FUNCTION pg_temp.who(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;

INSERT INTO ledger.account (id, kind, owner, currency, mode, floor) OVERRIDING SYSTEM VALUE
SELECT n, 'escrow', pg_temp.who(n), 'EUR', 'guarded', 0 FROM generate_series(1, 10000) n
UNION ALL
SELECT n, 'seller_pending', pg_temp.who(n), 'EUR', 'guarded', 0 FROM generate_series(100001, 101000) n;
INSERT INTO ledger.account (id, kind, currency, mode, floor) OVERRIDING SYSTEM VALUE VALUES
    (200001, 'platform_fees', 'EUR', 'recorded', NULL), (200002, 'tax_payable', 'EUR', 'recorded', NULL),
    (200003, 'locked_fees', 'EUR', 'guarded', 0), (200004, 'bank', 'EUR', 'recorded', NULL);
INSERT INTO ledger.balance (account_id) SELECT id FROM ledger.account WHERE mode = 'guarded';
INSERT INTO ledger.rollup (account_id) SELECT id FROM ledger.account WHERE mode = 'recorded';

-- Each escrow gets more than all its releases will take.
SELECT count(*) FROM generate_series(0, 19) g, LATERAL (
    SELECT array_agg('escrow'::text) || 'bank'::text AS kinds,
           array_agg(pg_temp.who(n)) || '00000000-0000-0000-0000-000000000000'::uuid AS owners,
           array_agg(''::text) || ''::text AS refs, array_agg('EUR'::text) || 'EUR'::text AS currencies,
           array_agg(1000000000::bigint) || -500000000000 AS amounts
    FROM generate_series(g * 500 + 1, g * 500 + 500) n) legs,
LATERAL ledger.post('fund:' || g, sha256(g::text::bytea), 'purchase', 'bench', pg_temp.who(g),
    legs.kinds, legs.owners, legs.refs, legs.currencies, legs.amounts);

-- What the bare scripts write: the same columns, defaults and indexes; no checks, triggers or foreign keys.
CREATE SCHEMA bare;
CREATE TABLE bare.account (LIKE ledger.account INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES);
CREATE TABLE bare.entry   (LIKE ledger.entry   INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES);
CREATE TABLE bare.posting (LIKE ledger.posting INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES);
CREATE TABLE bare.balance (LIKE ledger.balance INCLUDING DEFAULTS INCLUDING INDEXES) WITH (fillfactor = 50);
INSERT INTO bare.account OVERRIDING SYSTEM VALUE SELECT * FROM ledger.account;
INSERT INTO bare.balance SELECT * FROM ledger.balance ORDER BY account_id;
GRANT USAGE ON SCHEMA bare TO souk_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA bare TO souk_app;
ANALYZE;
