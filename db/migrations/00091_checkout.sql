-- +goose Up
-- Quotes, what was confirmed of them, and what orders are of: docs/checkout.md. All of it is written once.
CREATE TABLE quote (
    id              uuid        PRIMARY KEY,
    user_id         uuid        NOT NULL REFERENCES app_user (id),
    reservation_id  uuid        NOT NULL REFERENCES reservation (id),
    idempotency_key text        NOT NULL,
    request_hash    bytea       NOT NULL,
    total           bigint      NOT NULL CHECK (total > 0),
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    ship_to         jsonb, -- a copy of the address; null where nothing is sent
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT quote_key UNIQUE (user_id, idempotency_key),
    CONSTRAINT quote_reservation UNIQUE (reservation_id)
);
CREATE INDEX quote_of_user ON quote (user_id, created_at);

-- What becomes one order.
CREATE TABLE quote_group (
    quote_id   uuid     NOT NULL REFERENCES quote (id),
    number     smallint NOT NULL CHECK (number > 0),
    order_id   uuid     NOT NULL,
    seller_id  uuid     NOT NULL REFERENCES app_user (id),
    listing_id uuid     NOT NULL REFERENCES listing (id), -- of its first line
    digital    boolean  NOT NULL,
    total      bigint   NOT NULL CHECK (total > 0),
    fee        bigint   NOT NULL CHECK (fee BETWEEN 0 AND total),
    PRIMARY KEY (quote_id, number),
    CONSTRAINT quote_group_order UNIQUE (order_id)
);

CREATE TABLE quote_line (
    quote_id     uuid     NOT NULL,
    number       smallint NOT NULL CHECK (number > 0),
    group_number smallint NOT NULL,
    listing_id   uuid     NOT NULL REFERENCES listing (id),
    variant_id   uuid     NOT NULL REFERENCES variant (id),
    title        text     NOT NULL,
    options      text[]   NOT NULL,
    quantity     integer  NOT NULL CHECK (quantity > 0),
    unit_price   bigint   NOT NULL CHECK (unit_price >= 0),
    price_seen   bigint, -- in the cart; null where the line is not in it any more, or was in another currency
    PRIMARY KEY (quote_id, number),
    FOREIGN KEY (quote_id, group_number) REFERENCES quote_group (quote_id, number)
);

CREATE TABLE quote_charge (
    quote_id     uuid     NOT NULL,
    group_number smallint NOT NULL,
    number       smallint NOT NULL CHECK (number > 0),
    kind         text     NOT NULL,
    bearer       text     NOT NULL CHECK (bearer IN ('BUYER', 'SELLER')),
    basis_points integer  CHECK (basis_points >= 0), -- of the lines; null where it is no share of them
    amount       bigint   NOT NULL,
    PRIMARY KEY (quote_id, group_number, number),
    FOREIGN KEY (quote_id, group_number) REFERENCES quote_group (quote_id, number)
);

-- That a quote was confirmed, once.
CREATE TABLE checkout (
    quote_id        uuid        PRIMARY KEY REFERENCES quote (id),
    user_id         uuid        NOT NULL REFERENCES app_user (id),
    idempotency_key text        NOT NULL,
    request_hash    bytea       NOT NULL,
    wallet_amount   bigint      NOT NULL CHECK (wallet_amount >= 0),
    card_amount     bigint      NOT NULL CHECK (card_amount >= 0),
    card_id         uuid        REFERENCES card (id),
    confirmed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT checkout_key UNIQUE (user_id, idempotency_key),
    CHECK ((card_amount > 0) = (card_id IS NOT NULL))
);

-- What an order is of, and what makes its total and its fee besides.
CREATE TABLE order_line (
    order_id   uuid     NOT NULL REFERENCES orders (id),
    number     smallint NOT NULL CHECK (number > 0),
    listing_id uuid     NOT NULL REFERENCES listing (id),
    variant_id uuid     REFERENCES variant (id), -- null in orders from before there were lines
    title      text     NOT NULL, -- as it was then
    options    text[]   NOT NULL,
    quantity   integer  NOT NULL CHECK (quantity > 0),
    unit_price bigint   NOT NULL CHECK (unit_price >= 0),
    PRIMARY KEY (order_id, number)
);

CREATE TABLE order_charge (
    order_id     uuid     NOT NULL REFERENCES orders (id),
    number       smallint NOT NULL CHECK (number > 0),
    kind         text     NOT NULL,
    bearer       text     NOT NULL CHECK (bearer IN ('BUYER', 'SELLER')),
    basis_points integer  CHECK (basis_points >= 0),
    amount       bigint   NOT NULL,
    PRIMARY KEY (order_id, number)
);

-- Orders from before have one line over their total, and the platform's fee as it was.
INSERT INTO order_line (order_id, number, listing_id, title, options, quantity, unit_price)
SELECT o.id, 1, o.listing_id, l.title, '{}', 1, o.total FROM orders o JOIN listing l ON l.id = o.listing_id;
INSERT INTO order_charge (order_id, number, kind, bearer, amount) SELECT id, 1, 'PLATFORM_FEE', 'SELLER', fee FROM orders;

-- +goose StatementBegin
CREATE FUNCTION checkout_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was quoted, confirmed and ordered is kept as it was' USING ERRCODE = 'SK440';
END $$;
-- +goose StatementEnd
CREATE TRIGGER quote_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON quote FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();
CREATE TRIGGER quote_group_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON quote_group FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();
CREATE TRIGGER quote_line_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON quote_line FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();
CREATE TRIGGER quote_charge_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON quote_charge FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();
CREATE TRIGGER checkout_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON checkout FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();
CREATE TRIGGER order_line_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON order_line FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();
CREATE TRIGGER order_charge_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON order_charge FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();

-- Gives the goods of an order that was cancelled back to where they were reserved: what exists once first, then stock, each in the order of
-- their ids. Codes stay with who may have read them.
-- +goose StatementBegin
CREATE FUNCTION order_return(p_order uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    line record;
BEGIN
    FOR line IN
        SELECT rl.variant_id, rl.location_id, rl.quantity, o.buyer_id
        FROM orders o JOIN order_line ol ON ol.order_id = o.id JOIN listing l ON l.id = ol.listing_id AND l.kind <> 'DIGITAL_CODE'
        JOIN reservation_line rl ON rl.reservation_id = o.reservation_id AND rl.variant_id = ol.variant_id
        WHERE o.id = p_order
        ORDER BY rl.location_id IS NOT NULL, rl.variant_id, rl.location_id
    LOOP
        IF line.location_id IS NULL THEN
            UPDATE listing
            SET status = CASE status WHEN 'HIDDEN' THEN status ELSE 'ACTIVE' END, hidden_from = CASE status WHEN 'HIDDEN' THEN 'ACTIVE' END
            WHERE id = line.variant_id AND coalesce(hidden_from, status) = 'SOLD';
            IF NOT FOUND THEN
                RAISE EXCEPTION 'listing % is not sold', line.variant_id USING ERRCODE = 'SK441';
            END IF;
        ELSE
            INSERT INTO stock_movement (variant_id, location_id, number, kind, quantity, on_hand, cause_id, actor_id)
            VALUES (line.variant_id, line.location_id, 0, 'RETURNED', line.quantity, 0, p_order, line.buyer_id);
        END IF;
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION order_return(uuid);
DROP TABLE order_charge, order_line, checkout, quote_charge, quote_line, quote_group, quote;
DROP FUNCTION checkout_refuse();
