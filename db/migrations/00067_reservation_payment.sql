-- +goose Up
-- A reservation that was paid, once; its orders name it: docs/codes.md.
CREATE TABLE reservation_payment (
    reservation_id  uuid        PRIMARY KEY REFERENCES reservation (id),
    user_id         uuid        NOT NULL REFERENCES app_user (id),
    idempotency_key text        NOT NULL,
    request_hash    bytea       NOT NULL,
    total           bigint      NOT NULL CHECK (total > 0),
    currency        text        NOT NULL CHECK (length(currency) = 3),
    paid_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT reservation_payment_key UNIQUE (user_id, idempotency_key)
);

-- +goose StatementBegin
CREATE FUNCTION reservation_payment_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'that a reservation was paid is kept for good' USING ERRCODE = 'SK414';
END $$;
-- +goose StatementEnd
CREATE TRIGGER reservation_payment_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON reservation_payment
    FOR EACH STATEMENT EXECUTE FUNCTION reservation_payment_refuse();

ALTER TABLE orders ADD COLUMN reservation_id uuid REFERENCES reservation (id);
CREATE UNIQUE INDEX orders_of_reservation ON orders (reservation_id, listing_id) WHERE reservation_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION order_reservation_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.reservation_id IS DISTINCT FROM OLD.reservation_id THEN
        RAISE EXCEPTION 'what an order was reserved by is fixed' USING ERRCODE = 'SK301';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_reservation_guard BEFORE UPDATE OF reservation_id ON orders FOR EACH ROW EXECUTE FUNCTION order_reservation_guard();

-- +goose Down
DROP TRIGGER order_reservation_guard ON orders;
DROP FUNCTION order_reservation_guard();
ALTER TABLE orders DROP COLUMN reservation_id;
DROP TABLE reservation_payment;
DROP FUNCTION reservation_payment_refuse();
