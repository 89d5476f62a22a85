-- +goose Up
-- What a source of exchange rates has said: so much of a currency for one unit of the source's base, on a day. A day
-- that is read again is written over; fetched_at is one moment for all rates of a reading.
CREATE TABLE fx_rate (
    source     text        NOT NULL CHECK (source ~ '^[a-z]{2,20}$'),
    as_of      date        NOT NULL,
    currency   text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    base       text        NOT NULL CHECK (base ~ '^[A-Z]{3}$'),
    rate       text        NOT NULL CHECK (rate ~ '^[0-9]{1,12}(\.[0-9]{1,12})?$' AND rate::numeric > 0),
    fetched_at timestamptz NOT NULL,
    PRIMARY KEY (source, as_of, currency)
);

-- Money that its owner has exchanged between two of their wallets. Written once, with its entry.
CREATE TABLE exchange (
    id              uuid        PRIMARY KEY,
    user_id         uuid        NOT NULL REFERENCES app_user (id),
    from_currency   text        NOT NULL CHECK (from_currency ~ '^[A-Z]{3}$'),
    from_amount     bigint      NOT NULL CHECK (from_amount > 0),
    from_digits     smallint    NOT NULL CHECK (from_digits BETWEEN 0 AND 6), -- decimals of the minor unit
    to_currency     text        NOT NULL CHECK (to_currency ~ '^[A-Z]{3}$'),
    to_amount       bigint      NOT NULL CHECK (to_amount > 0),
    to_digits       smallint    NOT NULL CHECK (to_digits BETWEEN 0 AND 6),
    rate            text        NOT NULL CHECK (rate ~ '^[0-9]{1,12}(\.[0-9]{1,12})?$'), -- before the margin
    margin_bp       integer     NOT NULL CHECK (margin_bp BETWEEN 0 AND 10000),
    source          text        NOT NULL CHECK (source ~ '^[a-z]{2,20}$'),
    as_of           date        NOT NULL,
    idempotency_key text        NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    request_hash    bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (user_id, idempotency_key),
    CHECK (from_currency <> to_currency),
    -- div() cuts exactly; a division of numerics would round.
    CONSTRAINT exchange_at_rate CHECK (to_amount = div(
        from_amount * rate::numeric * (10000 - margin_bp) * 10::numeric ^ to_digits, 10000 * 10::numeric ^ from_digits))
);
CREATE INDEX exchange_user ON exchange (user_id, created_at DESC, id DESC);

-- +goose StatementBegin
CREATE FUNCTION exchange_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an exchange is written once' USING ERRCODE = 'SK203';
END $$;
-- +goose StatementEnd
CREATE TRIGGER exchange_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON exchange
    FOR EACH STATEMENT EXECUTE FUNCTION exchange_refuse_change();

-- +goose Down
DROP TABLE exchange;
DROP FUNCTION exchange_refuse_change();
DROP TABLE fx_rate;
