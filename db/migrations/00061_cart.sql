-- +goose Up
-- What people mean to buy: docs/cart.md. A guest's cart is found by a token, of which only the hash is kept.
CREATE TABLE cart (
    id             uuid        PRIMARY KEY,
    user_id        uuid        REFERENCES app_user (id),
    token_hash     bytea       CHECK (length(token_hash) = 32),
    reservation_id uuid        REFERENCES reservation (id), -- what is set aside of it, or was
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT cart_user UNIQUE (user_id),
    CONSTRAINT cart_token UNIQUE (token_hash),
    CHECK ((user_id IS NULL) <> (token_hash IS NULL)),
    CHECK (reservation_id IS NULL OR user_id IS NOT NULL)
);
CREATE INDEX cart_of_guest ON cart (changed_at) WHERE user_id IS NULL; -- for who prunes
CREATE INDEX cart_reserved ON cart (reservation_id) WHERE reservation_id IS NOT NULL;

CREATE TABLE cart_line (
    cart_id       uuid        NOT NULL REFERENCES cart (id) ON DELETE CASCADE,
    variant_id    uuid        NOT NULL REFERENCES variant (id),
    quantity      integer     NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    saved         boolean     NOT NULL DEFAULT false, -- for later
    price_seen    bigint      NOT NULL CHECK (price_seen >= 0),
    currency_seen text        NOT NULL CHECK (length(currency_seen) = 3),
    added_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (cart_id, variant_id)
);

-- What is paid for leaves its buyer's cart in the transaction that pays, whoever does. More that was put in since stays.
-- +goose StatementBegin
CREATE FUNCTION cart_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH bought AS (
        SELECT c.id AS cart_id, l.variant_id, sum(l.quantity) AS quantity
        FROM cart c JOIN reservation_line l ON l.reservation_id = NEW.id
        WHERE c.reservation_id = NEW.id
        GROUP BY c.id, l.variant_id
    ), gone AS (
        DELETE FROM cart_line l USING bought b
        WHERE l.cart_id = b.cart_id AND l.variant_id = b.variant_id AND l.quantity <= b.quantity
    )
    UPDATE cart_line l SET quantity = l.quantity - b.quantity
    FROM bought b WHERE l.cart_id = b.cart_id AND l.variant_id = b.variant_id AND l.quantity > b.quantity;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER cart_emptied AFTER UPDATE OF status ON reservation
    FOR EACH ROW WHEN (NEW.status = 'CONSUMED') EXECUTE FUNCTION cart_emptied();

-- +goose Down
DROP TRIGGER cart_emptied ON reservation;
DROP FUNCTION cart_emptied();
DROP TABLE cart_line, cart;
