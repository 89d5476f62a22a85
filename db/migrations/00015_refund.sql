-- +goose Up
-- A user's wish to have unspent money of their wallet back on the cards that paid it in. Its parts are refunds with
-- cause WITHDRAWAL; how far it has come is how far they have, so that it has no status of its own.
CREATE TABLE withdrawal (
    id              uuid        PRIMARY KEY,
    user_id         uuid        NOT NULL REFERENCES app_user (id),
    amount          bigint      NOT NULL CHECK (amount > 0),
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    idempotency_key text        NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    request_hash    bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (user_id, idempotency_key)
);

-- Money on its way back to a card. The row is committed, with the money in refund_in_flight, before the provider is
-- called. SUCCEEDED may still become FAILED: a card's bank may send the money back days later.
CREATE TABLE refund (
    id             uuid        PRIMARY KEY,
    user_id        uuid        NOT NULL REFERENCES app_user (id), -- whose wallet gets what the card does not take
    cause_kind     text        NOT NULL CHECK (cause_kind IN ('ORDER', 'WITHDRAWAL')),
    cause_id       uuid        NOT NULL,
    source_kind    text        NOT NULL CHECK (source_kind IN ('TOP_UP', 'ORDER_PAYMENT')), -- the charge that it is of
    source_id      uuid        NOT NULL,
    intent_id      text        NOT NULL CHECK (length(intent_id) BETWEEN 1 AND 255),        -- as the provider knows that charge
    amount         bigint      NOT NULL CHECK (amount > 0),
    currency       text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    status         text        NOT NULL DEFAULT 'PROCESSING' CHECK (status IN ('PROCESSING', 'SUCCEEDED', 'FAILED')),
    attempt        integer     NOT NULL DEFAULT 1 CHECK (attempt > 0), -- of the provider's idempotency key
    attempt_at     timestamptz NOT NULL DEFAULT clock_timestamp(),     -- since when that key may be sent
    provider_id    text        UNIQUE,
    balance_txn_id text        UNIQUE, -- the provider's own record of the money leaving
    failure_txn_id text        UNIQUE, -- and of its coming back
    failure_code   text        CHECK (length(failure_code) BETWEEN 1 AND 255),
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at     timestamptz, -- when the leaving was booked
    failed_at      timestamptz,
    CHECK (num_nulls(settled_at, balance_txn_id) IN (0, 2)),
    CHECK (settled_at IS NULL OR provider_id IS NOT NULL),
    CHECK (status <> 'PROCESSING' OR settled_at IS NULL),
    CHECK (status <> 'SUCCEEDED' OR settled_at IS NOT NULL),
    CHECK ((status = 'FAILED') = (failed_at IS NOT NULL)),
    CHECK ((status = 'FAILED') = (failure_code IS NOT NULL)),
    CHECK ((status = 'FAILED' AND settled_at IS NOT NULL) = (failure_txn_id IS NOT NULL))
);
CREATE INDEX refund_open ON refund (id) WHERE status = 'PROCESSING';
CREATE INDEX refund_cause ON refund (cause_id, cause_kind);
CREATE INDEX refund_source ON refund (source_id, source_kind);

-- +goose StatementBegin
CREATE FUNCTION withdrawal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a withdrawal is fixed' USING ERRCODE = 'SK251';
END $$;
-- +goose StatementEnd
CREATE TRIGGER withdrawal_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON withdrawal
    FOR EACH STATEMENT EXECUTE FUNCTION withdrawal_guard();

-- What a refund is of never changes; what the provider said is written once; a failure is final.
-- +goose StatementBegin
CREATE FUNCTION refund_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'FAILED'
        OR (OLD.status = 'SUCCEEDED' AND NEW.status <> 'FAILED')
        OR NEW.attempt < OLD.attempt
        OR (OLD.provider_id IS NOT NULL AND NEW.provider_id IS DISTINCT FROM OLD.provider_id)
        OR (OLD.settled_at IS NOT NULL
            AND (NEW.settled_at, NEW.balance_txn_id) IS DISTINCT FROM (OLD.settled_at, OLD.balance_txn_id))
        OR (NEW.id, NEW.user_id, NEW.cause_kind, NEW.cause_id, NEW.source_kind, NEW.source_id, NEW.intent_id, NEW.amount,
            NEW.currency, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.user_id, OLD.cause_kind, OLD.cause_id, OLD.source_kind, OLD.source_id, OLD.intent_id, OLD.amount,
            OLD.currency, OLD.created_at)
    THEN
        RAISE EXCEPTION 'a refund goes from PROCESSING to SUCCEEDED to FAILED, and is otherwise fixed' USING ERRCODE = 'SK252';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_guard BEFORE UPDATE ON refund FOR EACH ROW EXECUTE FUNCTION refund_guard();

-- +goose Down
DROP TABLE refund;
DROP FUNCTION refund_guard();
DROP TABLE withdrawal;
DROP FUNCTION withdrawal_guard();
