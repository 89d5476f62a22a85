-- The ledger: docs/ledger.md. Everything here belongs to souk_ledger, as whom nobody logs in.

-- +goose Up
CREATE SCHEMA ledger AUTHORIZATION souk_ledger;
SET ROLE souk_ledger;

-- What kinds of account there are. An account copies its kind's mode and limits when it is made, so
-- that a change here never moves a limit under money that is already there.
CREATE TABLE ledger.account_kind (
    kind    text    PRIMARY KEY CHECK (kind ~ '^[a-z][a-z_]{1,39}$'),
    mode    text    NOT NULL CHECK (mode IN ('guarded', 'recorded')),
    owned   boolean NOT NULL, -- has one account for each owner; otherwise it is the platform's
    floor   bigint,
    ceiling bigint,
    UNIQUE (kind, mode),
    CHECK (CASE mode WHEN 'guarded' THEN num_nonnulls(floor, ceiling) > 0 ELSE num_nonnulls(floor, ceiling) = 0 END)
);

INSERT INTO ledger.account_kind (kind, mode, owned, floor, ceiling) VALUES
    ('wallet',           'guarded', true, 0, NULL),
    ('wallet_held',      'guarded', true, 0, NULL),
    ('escrow',           'guarded', true, 0, NULL),
    ('seller_pending',   'guarded', true, 0, NULL),
    ('seller_available', 'guarded', true, 0, NULL),
    ('payout_in_flight', 'guarded', true, 0, NULL),
    ('refund_in_flight', 'guarded', true, 0, NULL),
    ('referral_pending', 'guarded', true, 0, NULL),
    ('promo_budget',     'guarded', true, 0, NULL),
    ('seller_debt',      'guarded', true, NULL, 0),
    ('chargeback',       'guarded', true, NULL, 0),
    ('psp_clearing',     'recorded', false, NULL, NULL),
    ('bank',             'recorded', false, NULL, NULL),
    ('platform_fees',    'recorded', false, NULL, NULL),
    ('shipping_income',  'recorded', false, NULL, NULL),
    ('tax_payable',      'recorded', false, NULL, NULL),
    ('carrier_cost',     'recorded', false, NULL, NULL),
    ('carrier_payable',  'recorded', false, NULL, NULL),
    ('psp_fees',         'recorded', false, NULL, NULL),
    ('chargeback_loss',  'recorded', false, NULL, NULL),
    ('promotions',       'recorded', false, NULL, NULL),
    ('referral_cost',    'recorded', false, NULL, NULL),
    ('fx',               'recorded', false, NULL, NULL);

-- The platform's own accounts have the nil UUID as owner: a NULL would need IS NOT DISTINCT FROM,
-- which no index serves, on the hottest look-up there is.
CREATE TABLE ledger.account (
    id        bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    kind      text        NOT NULL,
    owner     uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ref       text        NOT NULL DEFAULT '' CHECK (length(ref) <= 100),
    currency  text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    mode      text        NOT NULL,
    floor     bigint,
    ceiling   bigint,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (owner, kind, currency, ref),
    FOREIGN KEY (kind, mode) REFERENCES ledger.account_kind (kind, mode)
);

-- One balanced set of postings. The key is unique for ever.
CREATE TABLE ledger.entry (
    id           bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    key          text        NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 200),
    request_hash bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    flow         text        NOT NULL CHECK (flow ~ '^[a-z][a-z_]{1,39}$'),
    cause_kind   text        NOT NULL CHECK (cause_kind ~ '^[a-z][a-z_]{1,39}$'),
    cause_id     uuid        NOT NULL,
    reverses     bigint      UNIQUE REFERENCES ledger.entry (id) CHECK (reverses < id),
    xid          xid8        NOT NULL DEFAULT pg_current_xact_id(),
    posted_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX entry_cause_idx ON ledger.entry (cause_kind, cause_id);

-- One leg: credit positive, in the currency's minor unit; one for each account of an entry. On a
-- guarded account it carries its number and the balance after it, on a recorded one neither. check_inserted()
-- stands in for foreign keys: they would lock the row of an account that every sale shares, and make all share
-- one lock. docs/decisions/0008-no-foreign-keys-on-postings.md has the numbers.
CREATE TABLE ledger.posting (
    entry_id   bigint NOT NULL,
    account_id bigint NOT NULL,
    currency   text   NOT NULL,
    amount     bigint NOT NULL CHECK (amount <> 0),
    seq        bigint CHECK (seq > 0),
    balance    bigint,
    xid        xid8   NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (entry_id, account_id),
    UNIQUE (account_id, seq),
    CHECK ((seq IS NULL) = (balance IS NULL))
);
-- The tail of a recorded account: what its rollup does not hold yet.
CREATE INDEX posting_tail_idx ON ledger.posting (account_id, xid, entry_id) INCLUDE (amount) WHERE seq IS NULL;

-- The projection of a guarded account; its row is the account's lock. Half-full pages keep updates HOT.
CREATE TABLE ledger.balance (
    account_id bigint PRIMARY KEY REFERENCES ledger.account (id),
    balance    bigint NOT NULL DEFAULT 0,
    seq        bigint NOT NULL DEFAULT 0 CHECK (seq >= 0)
) WITH (fillfactor = 50);

-- The sum of a recorded account's postings with xid < through. numeric: it must not overflow.
CREATE TABLE ledger.rollup (
    account_id bigint  PRIMARY KEY REFERENCES ledger.account (id),
    balance    numeric NOT NULL DEFAULT 0,
    through    xid8    NOT NULL DEFAULT '0'
) WITH (fillfactor = 50);

-- History cannot be changed, not even by its owner.
-- +goose StatementBegin
CREATE FUNCTION ledger.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on ledger.% is refused: the ledger only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = 'SL007';
END $$;
-- +goose StatementEnd
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.account FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.entry   FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.posting FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();
CREATE TRIGGER kept      BEFORE DELETE OR TRUNCATE           ON ledger.balance FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();
CREATE TRIGGER kept      BEFORE DELETE OR TRUNCATE           ON ledger.rollup  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();

-- What must hold for each set of postings that one statement inserts, whoever inserts it: it is the
-- whole of an entry made in this same transaction, its accounts exist and have its currencies, it sums to zero in
-- each, and the legs of a reversal are those of the entry it reverses, negated. Entries and accounts are never
-- deleted, so what is found here stays.
-- +goose StatementBegin
CREATE FUNCTION ledger.check_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    n record;
BEGIN
    FOR n IN
        SELECT s.entry_id AS id, e.reverses, s.legs, s.unbalanced, s.stray,
               e.xid = pg_current_xact_id() AND s.ours
               AND s.legs = (SELECT count(*) FROM ledger.posting p WHERE p.entry_id = s.entry_id) AS fresh
        FROM (SELECT c.entry_id, sum(c.legs) AS legs, bool_and(c.ours) AS ours, min(c.stray) AS stray,
                     min(c.currency) FILTER (WHERE c.total <> 0) AS unbalanced
              FROM (SELECT a.entry_id, a.currency, sum(a.amount) AS total, count(*) AS legs,
                           bool_and(a.xid = pg_current_xact_id()) AS ours,
                           min(a.account_id) FILTER (WHERE a.currency IS DISTINCT FROM (
                               SELECT o.currency FROM ledger.account o WHERE o.id = a.account_id)) AS stray
                    FROM added a GROUP BY a.entry_id, a.currency) c
              GROUP BY c.entry_id) s
        LEFT JOIN LATERAL (SELECT reverses, xid FROM ledger.entry WHERE id = s.entry_id OFFSET 0) e ON true
    LOOP
        IF n.fresh IS NOT TRUE THEN
            RAISE EXCEPTION 'entry % is closed or does not exist: postings come with their entry, in one statement', n.id USING ERRCODE = 'SL006';
        END IF;
        IF n.stray IS NOT NULL THEN
            RAISE EXCEPTION 'entry % has a leg in a currency that account % does not have', n.id, n.stray USING ERRCODE = 'SL012';
        END IF;
        IF n.legs NOT BETWEEN 2 AND 1000 THEN
            RAISE EXCEPTION 'entry % has % legs: it may have 2 to 1000', n.id, n.legs USING ERRCODE = 'SL005';
        END IF;
        IF n.unbalanced IS NOT NULL THEN
            RAISE EXCEPTION 'entry % does not sum to zero in %', n.id, n.unbalanced USING ERRCODE = 'SL004';
        END IF;
        IF n.reverses IS NOT NULL AND EXISTS (
            SELECT FROM (SELECT account_id, amount FROM added WHERE entry_id = n.id) a
            FULL JOIN (SELECT account_id, amount FROM ledger.posting WHERE entry_id = n.reverses) o USING (account_id)
            WHERE a.amount IS DISTINCT FROM -o.amount)
        THEN
            RAISE EXCEPTION 'entry % is not the negation of entry %', n.id, n.reverses USING ERRCODE = 'SL011';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER whole_entry AFTER INSERT ON ledger.posting REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_inserted();

-- The accounts of the given legs, in the legs' order; NULL where there is none yet. PL/pgSQL, because a function in
-- SQL is parsed and planned anew in each transaction that calls it: a quarter of the time of a post.
-- +goose StatementBegin
CREATE FUNCTION ledger.resolve(p_kinds text[], p_owners uuid[], p_refs text[], p_currencies text[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT array_agg((SELECT a.id FROM ledger.account a
                              WHERE a.owner = l.owner AND a.kind = l.kind AND a.currency = l.currency AND a.ref = l.ref)
                             ORDER BY l.n)
            FROM unnest(p_kinds, p_owners, p_refs, p_currencies) WITH ORDINALITY AS l (kind, owner, ref, currency, n));
END $$;
-- +goose StatementEnd

-- Makes the accounts of the given legs that do not exist, in a fixed order so that two makers cannot
-- deadlock; one that comes second waits for the first and finds the account made.
-- +goose StatementBegin
CREATE FUNCTION ledger.open_accounts(p_kinds text[], p_owners uuid[], p_refs text[], p_currencies text[]) RETURNS void
LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT l.kind, l.owner INTO wrong
    FROM unnest(p_kinds, p_owners) AS l (kind, owner)
    LEFT JOIN ledger.account_kind k ON k.kind = l.kind
    WHERE k.kind IS NULL OR k.owned <> (l.owner <> '00000000-0000-0000-0000-000000000000')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no account of kind % with owner %', wrong.kind, wrong.owner USING ERRCODE = 'SL005';
    END IF;

    WITH made AS (
        INSERT INTO ledger.account (kind, owner, ref, currency, mode, floor, ceiling)
        SELECT k.kind, l.owner, l.ref, l.currency, k.mode, k.floor, k.ceiling
        FROM unnest(p_kinds, p_owners, p_refs, p_currencies) AS l (kind, owner, ref, currency)
        JOIN ledger.account_kind k ON k.kind = l.kind
        ORDER BY l.owner, l.kind, l.currency, l.ref
        ON CONFLICT (owner, kind, currency, ref) DO NOTHING
        RETURNING id, mode
    ), guarded AS (
        INSERT INTO ledger.balance (account_id) SELECT id FROM made WHERE mode = 'guarded'
    )
    INSERT INTO ledger.rollup (account_id) SELECT id FROM made WHERE mode = 'recorded';
END $$;
-- +goose StatementEnd

-- Posts one entry, all of it or nothing. To be called last in its transaction.
-- The same key with the same hash answers the first entry; with another hash it is refused.
-- +goose StatementBegin
CREATE FUNCTION ledger.post(
    p_key text, p_hash bytea, p_flow text, p_cause_kind text, p_cause_id uuid,
    p_kinds text[], p_owners uuid[], p_refs text[], p_currencies text[], p_amounts bigint[],
    p_reverses bigint DEFAULT NULL,
    OUT entry_id bigint, OUT replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp
-- A session keeps the plans it made first. Made while the tables were small they would scan them whole, and
-- go on doing so as the tables grow. So there are no joins with the ledger's tables here and in the trigger that
-- a planner could turn round, only look-ups for each leg, and each has its index. Nor is a plan made for each call's
-- arrays, which would always look a little cheaper and never be kept. docs/ledger.md has the numbers.
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    legs     int := cardinality(p_amounts);
    accounts bigint[];
    known    bytea;
    broken   record;
BEGIN
    IF legs IS NULL OR legs NOT BETWEEN 2 AND 1000 OR cardinality(p_kinds) <> legs OR cardinality(p_owners) <> legs
       OR cardinality(p_refs) <> legs OR cardinality(p_currencies) <> legs
    THEN
        RAISE EXCEPTION 'an entry has 2 to 1000 legs, each with all its parts' USING ERRCODE = 'SL005';
    END IF;

    -- The key first: whoever comes second with it waits here, before it holds any account.
    INSERT INTO ledger.entry (key, request_hash, flow, cause_kind, cause_id, reverses)
    VALUES (p_key, p_hash, p_flow, p_cause_kind, p_cause_id, p_reverses)
    ON CONFLICT DO NOTHING RETURNING id INTO entry_id;
    replayed := entry_id IS NULL;
    IF replayed THEN
        SELECT e.id, e.request_hash INTO entry_id, known FROM ledger.entry e WHERE e.key = p_key;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'entry % is reversed already', p_reverses USING ERRCODE = 'SL008';
        ELSIF known <> p_hash THEN
            RAISE EXCEPTION 'key % was used for another request', p_key USING ERRCODE = 'SL001';
        END IF;
        RETURN;
    END IF;

    accounts := ledger.resolve(p_kinds, p_owners, p_refs, p_currencies);
    IF array_position(accounts, NULL) IS NOT NULL THEN
        PERFORM ledger.open_accounts(p_kinds, p_owners, p_refs, p_currencies);
        accounts := ledger.resolve(p_kinds, p_owners, p_refs, p_currencies);
    END IF;

    -- All locks, in account order, before anything is decided.
    PERFORM FROM ledger.balance b WHERE b.account_id = ANY (accounts) ORDER BY b.account_id FOR UPDATE;

    WITH leg AS (
        SELECT * FROM unnest(accounts, p_currencies, p_amounts) AS l (account_id, currency, amount)
    ), moved AS (
        UPDATE ledger.balance b SET balance = b.balance + l.amount, seq = b.seq + 1
        FROM leg l WHERE b.account_id = l.account_id AND b.account_id = ANY (accounts)
        RETURNING b.account_id, b.balance, b.seq, l.amount
    ), posted AS (
        INSERT INTO ledger.posting (entry_id, account_id, currency, amount, seq, balance)
        SELECT post.entry_id, l.account_id, l.currency, l.amount, m.seq, m.balance
        FROM leg l LEFT JOIN moved m USING (account_id)
    )
    SELECT a.*, m.balance::numeric - m.amount AS had, m.amount, m.balance < a.floor IS TRUE AS below INTO broken
    FROM moved m CROSS JOIN LATERAL (SELECT * FROM ledger.account WHERE id = m.account_id OFFSET 0) a
    WHERE m.balance < a.floor OR m.balance > a.ceiling
    ORDER BY a.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'account % may not go %', broken.id, CASE WHEN broken.below THEN 'below its floor' ELSE 'above its ceiling' END
        USING ERRCODE = CASE WHEN broken.below THEN 'SL002' ELSE 'SL003' END,
              DETAIL = jsonb_build_object(
                  'kind', broken.kind, 'owner', broken.owner, 'ref', broken.ref, 'currency', broken.currency,
                  'balance', broken.had, 'amount', broken.amount, 'floor', broken.floor, 'ceiling', broken.ceiling);
    END IF;
END $$;
-- +goose StatementEnd

-- Posts the exact negation of an entry; an entry is reversed at most once.
-- +goose StatementBegin
CREATE FUNCTION ledger.reverse(
    p_entry bigint, p_key text, p_hash bytea, p_flow text, p_cause_kind text, p_cause_id uuid,
    OUT entry_id bigint, OUT replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp SET enable_seqscan = off AS $$
DECLARE
    o record;
BEGIN
    SELECT array_agg(a.kind) AS kinds, array_agg(a.owner) AS owners, array_agg(a.ref) AS refs,
           array_agg(a.currency) AS currencies, array_agg(-p.amount) AS amounts INTO o
    FROM ledger.posting p CROSS JOIN LATERAL (SELECT * FROM ledger.account WHERE id = p.account_id OFFSET 0) a
    WHERE p.entry_id = p_entry;
    IF o.kinds IS NULL THEN
        RAISE EXCEPTION 'there is no entry %', p_entry USING ERRCODE = 'SL009';
    END IF;
    SELECT r.entry_id, r.replayed INTO entry_id, replayed
    FROM ledger.post(p_key, p_hash, p_flow, p_cause_kind, p_cause_id,
                     o.kinds, o.owners, o.refs, o.currencies, o.amounts, p_entry) r;
END $$;
-- +goose StatementEnd

-- Moves each recorded account's rollup up to the oldest transaction that still runs. What lies below
-- that is complete, so nothing can appear there later; row ids would not do, because a lower id may be
-- committed after a higher one. Answers the number of rollups that moved.
-- +goose StatementBegin
CREATE FUNCTION ledger.roll_up() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    mark  xid8;
    moved bigint;
BEGIN
    PERFORM FROM ledger.rollup ORDER BY account_id FOR UPDATE;
    mark := pg_snapshot_xmin(pg_current_snapshot());
    IF EXISTS (SELECT FROM ledger.rollup WHERE through > mark) THEN
        RAISE EXCEPTION 'transaction ids have gone back: this cluster was restored from a dump, see docs/ledger.md' USING ERRCODE = 'SL010';
    END IF;
    UPDATE ledger.rollup r SET balance = r.balance + t.amount, through = mark
    FROM ledger.rollup o,
         LATERAL (SELECT sum(p.amount) AS amount FROM ledger.posting p
                  WHERE p.account_id = o.account_id AND p.seq IS NULL AND p.xid >= o.through AND p.xid < mark) t
    WHERE r.account_id = o.account_id AND t.amount IS NOT NULL;
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved;
END $$;
-- +goose StatementEnd

REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO souk_app;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO souk_app;
GRANT EXECUTE ON FUNCTION ledger.post, ledger.reverse, ledger.roll_up TO souk_app;
RESET ROLE;

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM ledger.entry) THEN
        RAISE EXCEPTION 'the ledger has entries: it is never deleted';
    END IF;
END $$;
-- +goose StatementEnd
DROP SCHEMA ledger CASCADE;
