-- +goose Up
-- Codes that are sold, as nobody can read them who has the database alone: docs/codes.md.

-- Codes lie in a place of their own, one a seller, so that stock, its movements and reservations know nothing else of them.
ALTER TABLE location ADD COLUMN digital boolean NOT NULL DEFAULT false, DROP CONSTRAINT location_name;
CREATE UNIQUE INDEX location_name ON location (seller_id, name) WHERE NOT digital;
CREATE UNIQUE INDEX location_digital ON location (seller_id) WHERE digital;

-- One upload: its codes are sealed under one data key, which is wrapped under the key of that id.
CREATE TABLE code_batch (
    id              uuid        PRIMARY KEY,
    seller_id       uuid        NOT NULL,
    variant_id      uuid        NOT NULL,
    key_id          text        NOT NULL CHECK (key_id ~ '^[a-z0-9-]{1,32}$'),
    wrapped_key     bytea       NOT NULL CHECK (length(wrapped_key) = 60), -- nonce, 32 bytes, tag
    idempotency_key text        NOT NULL,
    request_hash    bytea       NOT NULL, -- keyed, as it is of codes
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (id, variant_id),
    FOREIGN KEY (variant_id, seller_id) REFERENCES variant (id, seller_id),
    CONSTRAINT code_batch_key UNIQUE (seller_id, idempotency_key)
);
CREATE INDEX code_batch_wrapped ON code_batch (key_id, id);

CREATE TABLE code (
    id          uuid        PRIMARY KEY,
    batch_id    uuid        NOT NULL,
    variant_id  uuid        NOT NULL,
    fingerprint bytea       NOT NULL CHECK (length(fingerprint) = 32), -- a keyed hash of its seller and the code
    sealed      bytea       NOT NULL CHECK (length(sealed) BETWEEN 92 AND 4096),
    order_id    uuid        REFERENCES orders (id),
    sold_at     timestamptz,
    FOREIGN KEY (batch_id, variant_id) REFERENCES code_batch (id, variant_id),
    CONSTRAINT code_fingerprint UNIQUE (fingerprint),
    CHECK ((order_id IS NULL) = (sold_at IS NULL))
);
CREATE INDEX code_unsold ON code (variant_id, id) WHERE order_id IS NULL;
CREATE INDEX code_of_order ON code (order_id, id) WHERE order_id IS NOT NULL;

-- Who was shown which code, and when.
CREATE TABLE code_reveal (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code_id     uuid        NOT NULL REFERENCES code (id),
    variant_id  uuid        NOT NULL,
    user_id     uuid        NOT NULL REFERENCES app_user (id),
    revealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX code_reveal_of_code ON code_reveal (code_id, id);
CREATE INDEX code_reveal_of_variant ON code_reveal (variant_id, id DESC);

-- A code is sold once, to one order, and nothing else of it ever changes.
-- +goose StatementBegin
CREATE FUNCTION code_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.order_id IS NOT NULL OR NOT EXISTS (
            SELECT 1 FROM variant v JOIN listing l ON l.id = v.listing_id WHERE v.id = NEW.variant_id AND l.kind = 'DIGITAL_CODE')
        THEN
            RAISE EXCEPTION 'a code begins unsold, and belongs to a product of that kind' USING ERRCODE = 'SK421';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.order_id IS NOT NULL OR NEW.order_id IS NULL
        OR (NEW.id, NEW.batch_id, NEW.variant_id, NEW.fingerprint, NEW.sealed) IS DISTINCT FROM (OLD.id, OLD.batch_id, OLD.variant_id, OLD.fingerprint, OLD.sealed)
        OR NOT EXISTS (
            SELECT 1 FROM orders o JOIN variant v ON v.listing_id = o.listing_id WHERE o.id = NEW.order_id AND v.id = NEW.variant_id)
    THEN
        RAISE EXCEPTION 'a code is sold once, to an order of its product' USING ERRCODE = 'SK421';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER code_guard BEFORE INSERT OR UPDATE ON code FOR EACH ROW EXECUTE FUNCTION code_guard();

-- +goose StatementBegin
CREATE FUNCTION code_batch_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.seller_id, NEW.variant_id, NEW.idempotency_key, NEW.request_hash, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.seller_id, OLD.variant_id, OLD.idempotency_key, OLD.request_hash, OLD.created_at)
        OR (NEW.key_id = OLD.key_id AND NEW.wrapped_key <> OLD.wrapped_key)
    THEN
        RAISE EXCEPTION 'of an upload only the key changes that its own is wrapped under' USING ERRCODE = 'SK422';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER code_batch_guard BEFORE UPDATE ON code_batch FOR EACH ROW EXECUTE FUNCTION code_batch_guard();

-- +goose StatementBegin
CREATE FUNCTION code_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'codes, and who was shown them, are kept for good' USING ERRCODE = 'SK423';
END $$;
-- +goose StatementEnd
CREATE TRIGGER code_refuse BEFORE DELETE OR TRUNCATE ON code FOR EACH STATEMENT EXECUTE FUNCTION code_refuse();
CREATE TRIGGER code_batch_refuse BEFORE DELETE OR TRUNCATE ON code_batch FOR EACH STATEMENT EXECUTE FUNCTION code_refuse();
CREATE TRIGGER code_reveal_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON code_reveal FOR EACH STATEMENT EXECUTE FUNCTION code_refuse();

-- +goose Down
DROP TABLE code_reveal, code, code_batch;
DROP FUNCTION code_guard(), code_batch_guard(), code_refuse();
DROP INDEX location_digital, location_name;
ALTER TABLE location DROP COLUMN digital, ADD CONSTRAINT location_name UNIQUE (seller_id, name);
