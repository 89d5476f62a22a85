-- $purchases purchases: purchase n is of buyer n mod $buyers and of seller n mod $sellers. Each is three entries: the top-up, the payment and the release.
SET LOCAL session_replication_role = replica;
SET LOCAL maintenance_work_mem = '512MB';
CREATE FUNCTION pg_temp.made(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5(kind || n)::uuid $$;
CREATE TEMP TABLE purchase ON COMMIT DROP AS
SELECT n, pg_temp.made('order', n) AS id, pg_temp.made('topup', n) AS top_up, n % $buyers AS buyer, n / $buyers AS of_buyer, n % $sellers AS seller, n / $sellers + 1 AS of_seller
FROM generate_series(0, $purchases - 1) n;

INSERT INTO ledger.account (id, kind, owner, currency, mode, floor) OVERRIDING SYSTEM VALUE
SELECT 1000 + n, 'wallet', pg_temp.made('buyer', n), 'EUR', 'guarded', 0 FROM (SELECT DISTINCT buyer AS n FROM purchase) b
UNION ALL
SELECT 100000 + n, 'seller_available', pg_temp.made('seller', n), 'EUR', 'guarded', 0 FROM (SELECT DISTINCT seller AS n FROM purchase) s
UNION ALL
SELECT 1000000 + n, 'escrow', id, 'EUR', 'guarded', 0 FROM purchase;
INSERT INTO ledger.account (id, kind, ref, currency, mode) OVERRIDING SYSTEM VALUE
VALUES (1, 'psp_clearing', 'stripe', 'EUR', 'recorded'), (2, 'psp_fees', 'stripe', 'EUR', 'recorded'), (3, 'platform_fees', '', 'EUR', 'recorded');

ALTER TABLE ledger.posting DROP CONSTRAINT posting_pkey, DROP CONSTRAINT posting_account_id_seq_key;
DROP INDEX ledger.posting_tail_idx;
DROP INDEX ledger.entry_cause_idx;
INSERT INTO ledger.entry (id, key, request_hash, flow, cause_kind, cause_id) OVERRIDING SYSTEM VALUE
SELECT 3 * p.n + e.n, e.key, sha256(''), e.flow, e.cause_kind, e.cause_id
FROM purchase p, LATERAL (VALUES (0, 'top_up:' || p.top_up, 'top_up', 'top_up', p.top_up),
                                 (1, 'order:' || p.id || ':pay', 'purchase', 'order', p.id),
                                 (2, 'order:' || p.id || ':release', 'release', 'order', p.id)) e (n, key, flow, cause_kind, cause_id);
INSERT INTO ledger.posting (entry_id, account_id, currency, amount, seq, balance)
SELECT 3 * p.n + l.entry, l.account, 'EUR', l.amount, l.seq, l.balance
FROM purchase p, LATERAL (VALUES (0, 1, $charge - $price, NULL::bigint, NULL::bigint), (0, 2, -$charge, NULL, NULL),
                                 (0, 1000 + p.buyer, $price, 2 * p.of_buyer + 1, $price), (1, 1000 + p.buyer, -$price, 2 * p.of_buyer + 2, 0),
                                 (1, 1000000 + p.n, $price, 1, $price), (2, 1000000 + p.n, -$price, 2, 0),
                                 (2, 100000 + p.seller, $price - $fee, p.of_seller, p.of_seller * ($price - $fee)),
                                 (2, 3, $fee, NULL, NULL)) l (entry, account, amount, seq, balance);
INSERT INTO ledger.balance SELECT account_id, sum(amount), count(*) FROM ledger.posting WHERE seq IS NOT NULL GROUP BY account_id;
INSERT INTO ledger.rollup (account_id) VALUES (1), (2), (3);
ALTER TABLE ledger.posting ADD PRIMARY KEY (entry_id, account_id), ADD UNIQUE (account_id, seq);
CREATE INDEX posting_tail_idx ON ledger.posting (account_id, xid, entry_id) INCLUDE (amount) WHERE seq IS NULL;
CREATE INDEX entry_cause_idx ON ledger.entry (cause_kind, cause_id);

INSERT INTO top_up (id, user_id, amount, currency, payment_method, idempotency_key, request_hash, status, provider_id, charge_id, balance_txn_id, fee, resolved_at)
SELECT top_up, pg_temp.made('buyer', buyer), $price, 'EUR', 'pm_card_visa', 'load:' || n, sha256(''), 'SUCCEEDED', 'pi_' || n, 'ch_' || n, 'txn_' || n, $charge, clock_timestamp()
FROM purchase;
INSERT INTO provider_txn (provider, id, kind, currency, gross, fee, entry_key)
SELECT 'stripe', 'txn_' || n, 'CHARGE', 'EUR', $price, $charge, 'top_up:' || top_up FROM purchase;
INSERT INTO orders (id, buyer_id, seller_id, listing_id, total, fee, currency, payment, fulfilment, paid_at, sent_at, received_at)
SELECT id, pg_temp.made('buyer', buyer), pg_temp.made('seller', seller), pg_temp.made('listing', n), $price, $fee, 'EUR', 'SETTLED', 'RECEIVED', clock_timestamp(), clock_timestamp(), clock_timestamp()
FROM purchase;
INSERT INTO order_line (order_id, number, listing_id, title, options, quantity, unit_price)
SELECT id, 1, pg_temp.made('listing', n), 'A thing', '{}', 1, $price FROM purchase;
INSERT INTO order_charge (order_id, number, kind, bearer, amount) SELECT id, 1, 'PLATFORM_FEE', 'SELLER', $fee FROM purchase;
INSERT INTO order_payment (id, order_id, user_id, wallet_amount, card_amount, currency, status, resolved_at)
SELECT pg_temp.made('payment', n), id, pg_temp.made('buyer', buyer), $price, 0, 'EUR', 'CAPTURED', clock_timestamp() FROM purchase;
