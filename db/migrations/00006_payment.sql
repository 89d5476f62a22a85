-- +goose Up
-- A top-up is the intent to move money from a card into a wallet. Its row is committed before the
-- provider is called, and provider_id before the provider is asked for money: without it, nothing can
-- have been charged.
CREATE TABLE top_up (
    id              uuid        PRIMARY KEY,
    user_id         uuid        NOT NULL REFERENCES app_user (id),
    amount          bigint      NOT NULL CHECK (amount > 0),
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    payment_method  text        NOT NULL CHECK (length(payment_method) BETWEEN 1 AND 255),
    idempotency_key text        NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    request_hash    bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    status          text        NOT NULL DEFAULT 'PROCESSING'
                    CHECK (status IN ('PROCESSING', 'REQUIRES_ACTION', 'SUCCEEDED', 'FAILED')),
    attempt         integer     NOT NULL DEFAULT 1 CHECK (attempt > 0), -- of the provider's idempotency key
    provider_id     text        UNIQUE,                                 -- the PaymentIntent
    charge_id       text        UNIQUE,
    balance_txn_id  text        UNIQUE,                                 -- the provider's own record of the money
    fee             bigint      CHECK (fee >= 0),                       -- the provider's
    failure_code    text,
    decline_code    text,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    resolved_at     timestamptz,
    UNIQUE (user_id, idempotency_key),
    CHECK ((status IN ('SUCCEEDED', 'FAILED')) = (resolved_at IS NOT NULL)),
    CHECK ((status = 'SUCCEEDED') = (fee IS NOT NULL)),
    CHECK (status <> 'SUCCEEDED' OR num_nulls(provider_id, charge_id, balance_txn_id) = 0),
    CHECK ((status = 'FAILED') = (failure_code IS NOT NULL))
);
CREATE INDEX top_up_open ON top_up (id) WHERE status IN ('PROCESSING', 'REQUIRES_ACTION');
CREATE INDEX top_up_user ON top_up (user_id, created_at DESC, id DESC);

-- Money of a wallet that is set aside. The sum of a user's open holds is their wallet_held account.
CREATE TABLE hold (
    id          uuid        PRIMARY KEY,
    user_id     uuid        NOT NULL REFERENCES app_user (id),
    amount      bigint      NOT NULL CHECK (amount > 0),
    currency    text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    cause_kind  text        NOT NULL CHECK (length(cause_kind) BETWEEN 1 AND 40),
    cause_id    uuid        NOT NULL,
    status      text        NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'RELEASED', 'CONSUMED')),
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    resolved_at timestamptz,
    CHECK ((status = 'OPEN') = (resolved_at IS NULL))
);
CREATE INDEX hold_open_of_user ON hold (user_id, currency) WHERE status = 'OPEN';
CREATE INDEX hold_cause ON hold (cause_kind, cause_id);

-- What a hold is about never changes, and it is resolved once.
-- +goose StatementBegin
CREATE FUNCTION hold_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'OPEN' OR (NEW.id, NEW.user_id, NEW.amount, NEW.currency, NEW.cause_kind, NEW.cause_id, NEW.opened_at)
        IS DISTINCT FROM (OLD.id, OLD.user_id, OLD.amount, OLD.currency, OLD.cause_kind, OLD.cause_id, OLD.opened_at)
    THEN
        RAISE EXCEPTION 'a hold is resolved once and otherwise fixed' USING ERRCODE = 'SK201';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER hold_guard BEFORE UPDATE ON hold FOR EACH ROW EXECUTE FUNCTION hold_guard();

-- +goose Down
DROP TABLE hold;
DROP FUNCTION hold_guard();
DROP TABLE top_up;
