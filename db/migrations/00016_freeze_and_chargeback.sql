-- Frozen wallets (docs/ledger.md), and chargebacks (docs/payments.md).

-- +goose Up
SET ROLE souk_ledger;

-- A reason for which nothing may leave an owner's wallets. Several may stand at once; one that was lifted stays on record.
CREATE TABLE ledger.freeze (
    id          uuid        PRIMARY KEY,
    owner       uuid        NOT NULL CHECK (owner <> '00000000-0000-0000-0000-000000000000'),
    cause_kind  text        NOT NULL CHECK (cause_kind ~ '^[a-z][a-z_]{1,39}$'),
    cause_id    uuid        NOT NULL,
    reason      text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    frozen_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    lifted_at   timestamptz,
    lifted_kind text        CHECK (lifted_kind ~ '^[a-z][a-z_]{1,39}$'), -- what lifted it
    lifted_by   uuid,
    lift_reason text        CHECK (length(lift_reason) BETWEEN 1 AND 500),
    CHECK (num_nulls(lifted_at, lifted_kind, lifted_by, lift_reason) IN (0, 4))
);
-- A cause freezes an owner once at a time. This is also what post() looks a wallet's owner up by.
CREATE UNIQUE INDEX freeze_open_idx ON ledger.freeze (owner, cause_kind, cause_id) WHERE lifted_at IS NULL;
CREATE INDEX freeze_owner_idx ON ledger.freeze (owner, frozen_at, id);

-- A freeze changes once, by being lifted.
-- +goose StatementBegin
CREATE FUNCTION ledger.guard_freeze() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.lifted_at IS NOT NULL OR NEW.lifted_at IS NULL
       OR (NEW.id, NEW.owner, NEW.cause_kind, NEW.cause_id, NEW.reason, NEW.frozen_at)
          IS DISTINCT FROM (OLD.id, OLD.owner, OLD.cause_kind, OLD.cause_id, OLD.reason, OLD.frozen_at)
    THEN
        RAISE EXCEPTION 'UPDATE on ledger.freeze is refused: a freeze is lifted once and otherwise fixed' USING ERRCODE = 'SL007';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER lifted_once BEFORE UPDATE ON ledger.freeze FOR EACH ROW EXECUTE FUNCTION ledger.guard_freeze();
CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON ledger.freeze FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();

-- The lock between freezing an owner and making their first wallet in a currency.
-- +goose StatementBegin
CREATE FUNCTION ledger.freeze_lock(p_owner uuid) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN hashtextextended('ledger.freeze:' || p_owner, 0);
END $$;
-- +goose StatementEnd

-- Freezes an owner's wallets, once for a cause. When it has returned, no entry that takes from them is on its way: it
-- waits for each that holds a wallet's lock, and who gets the lock later finds the freeze.
-- +goose StatementBegin
CREATE FUNCTION ledger.freeze(p_id uuid, p_owner uuid, p_cause_kind text, p_cause_id uuid, p_reason text, OUT freeze_id uuid, OUT fresh boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(ledger.freeze_lock(p_owner));
    PERFORM FROM ledger.balance b
    WHERE b.account_id = ANY (ARRAY (SELECT a.id FROM ledger.account a WHERE a.owner = p_owner AND a.kind = 'wallet'))
    ORDER BY b.account_id FOR UPDATE;
    INSERT INTO ledger.freeze (id, owner, cause_kind, cause_id, reason) VALUES (p_id, p_owner, p_cause_kind, p_cause_id, p_reason)
    ON CONFLICT (owner, cause_kind, cause_id) WHERE lifted_at IS NULL DO NOTHING RETURNING id INTO freeze_id;
    fresh := freeze_id IS NOT NULL;
    IF NOT fresh THEN
        SELECT f.id INTO freeze_id FROM ledger.freeze f
        WHERE f.owner = p_owner AND f.cause_kind = p_cause_kind AND f.cause_id = p_cause_id AND f.lifted_at IS NULL;
    END IF;
END $$;
-- +goose StatementEnd

-- Lifts a freeze; false where it was lifted before.
-- +goose StatementBegin
CREATE FUNCTION ledger.lift(p_id uuid, p_lifted_kind text, p_lifted_by uuid, p_reason text, OUT fresh boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    UPDATE ledger.freeze f SET lifted_at = clock_timestamp(), lifted_kind = p_lifted_kind, lifted_by = p_lifted_by, lift_reason = p_reason
    WHERE f.id = p_id AND f.lifted_at IS NULL;
    fresh := FOUND;
END $$;
-- +goose StatementEnd

-- Refuses an entry that takes from the wallet of a frozen owner. To be called with the wallets' locks held. This is the
-- one list of flows that a freeze does not stop: what a lost chargeback costs, and an admin's correction.
-- +goose StatementBegin
CREATE FUNCTION ledger.refuse_frozen(p_flow text, p_kinds text[], p_owners uuid[], p_amounts bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    frozen record;
BEGIN
    IF p_flow IN ('chargeback_lost', 'reversal') THEN
        RETURN;
    END IF;
    SELECT f.owner, f.since INTO frozen
    FROM unnest(p_kinds, p_owners, p_amounts) AS l (kind, owner, amount)
    CROSS JOIN LATERAL (SELECT l.owner, min(frozen_at) AS since FROM ledger.freeze WHERE owner = l.owner AND lifted_at IS NULL) f
    WHERE l.kind = 'wallet' AND l.amount < 0 AND f.since IS NOT NULL
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the wallet of % is frozen', frozen.owner
        USING ERRCODE = 'SL013', DETAIL = jsonb_build_object('owner', frozen.owner, 'since', frozen.since);
    END IF;
END $$;
-- +goose StatementEnd

-- As in 00003, and the first wallet of an owner in a currency waits for who freezes them.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger.open_accounts(p_kinds text[], p_owners uuid[], p_refs text[], p_currencies text[]) RETURNS void
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

    -- A wallet that freeze() cannot see yet has no row for it to lock.
    PERFORM pg_advisory_xact_lock_shared(ledger.freeze_lock(l.owner))
    FROM (SELECT DISTINCT w.owner FROM unnest(p_kinds, p_owners) AS w (kind, owner) WHERE w.kind = 'wallet' ORDER BY w.owner) l;

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

-- As in 00003, and nothing leaves a frozen wallet.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger.post(
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

    IF 'wallet' = ANY (p_kinds) THEN
        PERFORM ledger.refuse_frozen(p_flow, p_kinds, p_owners, p_amounts);
    END IF;

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

REVOKE ALL ON ledger.freeze FROM PUBLIC;
REVOKE ALL ON FUNCTION ledger.guard_freeze, ledger.freeze_lock, ledger.freeze, ledger.lift, ledger.refuse_frozen FROM PUBLIC;
GRANT SELECT ON ledger.freeze TO souk_app;
GRANT EXECUTE ON FUNCTION ledger.freeze, ledger.lift TO souk_app;
RESET ROLE;

-- A card holder's bank taking a payment back, or asking about it (an inquiry): the provider's dispute. The money itself
-- is in the ledger account chargeback of this id while it is withdrawn and undecided.
CREATE TABLE chargeback (
    id                uuid        PRIMARY KEY,
    provider          text        NOT NULL CHECK (provider ~ '^[a-z]{2,20}$'),
    dispute_id        text        NOT NULL CHECK (length(dispute_id) BETWEEN 1 AND 255),
    charge_id         text        NOT NULL CHECK (length(charge_id) BETWEEN 1 AND 255),
    top_up_id         uuid        REFERENCES top_up (id),
    order_payment_id  uuid,                                        -- the payment of an order by card
    user_id           uuid        NOT NULL REFERENCES app_user (id), -- who paid
    amount            bigint      NOT NULL CHECK (amount > 0),
    currency          text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    reason            text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 100), -- the card network's
    status            text        NOT NULL CHECK (status IN ('INQUIRY', 'NEEDS_RESPONSE', 'UNDER_REVIEW', 'WON', 'LOST', 'CLOSED')),
    respond_by        timestamptz,
    withdrawn_txn_id  text        UNIQUE, -- the provider's own records of the money
    reinstated_txn_id text        UNIQUE,
    covered           bigint      CHECK (covered >= 0), -- of a lost one: what the wallet or the escrow had of it; the rest is our loss
    opened_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_at        timestamptz,
    UNIQUE (provider, dispute_id),
    CHECK (num_nonnulls(top_up_id, order_payment_id) = 1),
    CHECK ((status IN ('WON', 'LOST', 'CLOSED')) = (decided_at IS NOT NULL)),
    CHECK (status NOT IN ('INQUIRY', 'CLOSED') OR withdrawn_txn_id IS NULL),
    CHECK (status NOT IN ('WON', 'LOST') OR withdrawn_txn_id IS NOT NULL),
    CHECK ((status = 'WON') = (reinstated_txn_id IS NOT NULL)),
    CHECK ((status = 'LOST') = (covered IS NOT NULL)),
    CHECK (covered <= amount)
);
CREATE INDEX chargeback_top_up ON chargeback (top_up_id);
CREATE INDEX chargeback_order_payment ON chargeback (order_payment_id);
CREATE INDEX chargeback_status ON chargeback (status, id DESC);

-- What a chargeback is about never changes, what is withdrawn has its amount, and what is decided stays so.
-- +goose StatementBegin
CREATE FUNCTION chargeback_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.decided_at IS NOT NULL
       OR (NEW.id, NEW.provider, NEW.dispute_id, NEW.charge_id, NEW.top_up_id, NEW.order_payment_id, NEW.user_id, NEW.currency, NEW.opened_at)
          IS DISTINCT FROM (OLD.id, OLD.provider, OLD.dispute_id, OLD.charge_id, OLD.top_up_id, OLD.order_payment_id, OLD.user_id, OLD.currency, OLD.opened_at)
       OR (OLD.withdrawn_txn_id IS NOT NULL AND (NEW.withdrawn_txn_id, NEW.amount) IS DISTINCT FROM (OLD.withdrawn_txn_id, OLD.amount))
    THEN
        RAISE EXCEPTION 'a chargeback is decided once, and what it is about is fixed' USING ERRCODE = 'SK203';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER chargeback_guard BEFORE UPDATE ON chargeback FOR EACH ROW EXECUTE FUNCTION chargeback_guard();

-- Hands out the versions of what support is told (topic support:desk).
CREATE TABLE support_feed (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version  bigint  NOT NULL DEFAULT 0 CHECK (version >= 0)
);
INSERT INTO support_feed DEFAULT VALUES;

-- +goose Down
DROP TABLE support_feed;
DROP TABLE chargeback;
DROP FUNCTION chargeback_guard;
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM ledger.freeze) THEN
        RAISE EXCEPTION 'wallets have been frozen: the record of it is never deleted';
    END IF;
END $$;
-- +goose StatementEnd
-- post() stays as it is; what it calls refuses nothing.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger.refuse_frozen(p_flow text, p_kinds text[], p_owners uuid[], p_amounts bigint[]) RETURNS void
LANGUAGE plpgsql AS 'BEGIN END';
-- +goose StatementEnd
DROP FUNCTION ledger.freeze, ledger.lift;
DROP TABLE ledger.freeze;
DROP FUNCTION ledger.guard_freeze;
