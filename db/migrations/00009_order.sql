-- +goose Up
-- Payment and fulfilment are two state machines. order_move lists every move that is allowed; the trigger
-- below holds whoever writes to it, whatever the code believes.
CREATE TABLE order_move (
    machine    text NOT NULL CHECK (machine IN ('PAYMENT', 'FULFILMENT')),
    from_state text NOT NULL,
    to_state   text NOT NULL,
    PRIMARY KEY (machine, from_state, to_state)
);
INSERT INTO order_move VALUES
    ('PAYMENT', 'PENDING', 'PAID'),
    ('PAYMENT', 'PAID', 'SETTLED'),
    ('FULFILMENT', 'PENDING', 'SENT'),
    ('FULFILMENT', 'SENT', 'RECEIVED');

-- The rules are the schema owner's, in a migration; servers may not widen what holds them.
-- +goose StatementBegin
CREATE FUNCTION order_move_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RAISE EXCEPTION 'the moves of an order are changed by a migration only' USING ERRCODE = 'SK302';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_move_refuse_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON order_move
    FOR EACH STATEMENT EXECUTE FUNCTION order_move_refuse_change();

CREATE TABLE orders (
    id          uuid        PRIMARY KEY,
    buyer_id    uuid        NOT NULL REFERENCES app_user (id),
    seller_id   uuid        NOT NULL REFERENCES app_user (id),
    listing_id  uuid        NOT NULL REFERENCES listing (id),
    auction_id  uuid        UNIQUE, -- the lot that it was won in; one order for a lot
    total       bigint      NOT NULL CHECK (total > 0),
    fee         bigint      NOT NULL CHECK (fee >= 0 AND fee <= total),
    currency    text        NOT NULL CHECK (length(currency) = 3),
    payment     text        NOT NULL DEFAULT 'PENDING' CHECK (payment IN ('PENDING', 'PAID', 'SETTLED')),
    fulfilment  text        NOT NULL DEFAULT 'PENDING' CHECK (fulfilment IN ('PENDING', 'SENT', 'RECEIVED')),
    version     bigint      NOT NULL DEFAULT 0,
    tracking    text        NOT NULL DEFAULT '' CHECK (length(tracking) <= 100),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    paid_at     timestamptz,
    sent_at     timestamptz,
    received_at timestamptz,
    CHECK (buyer_id <> seller_id),
    -- Escrow leaves for the seller only when the buyer has the goods.
    CHECK (payment <> 'SETTLED' OR fulfilment = 'RECEIVED'),
    CHECK (fulfilment = 'PENDING' OR payment <> 'PENDING')
);
CREATE INDEX orders_buyer ON orders (buyer_id, created_at DESC, id DESC);
CREATE INDEX orders_seller ON orders (seller_id, created_at DESC, id DESC);

-- +goose StatementBegin
CREATE FUNCTION order_guard_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an order is never deleted' USING ERRCODE = 'SK301';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.payment <> 'PENDING' OR NEW.fulfilment <> 'PENDING' THEN
            RAISE EXCEPTION 'an order begins as PENDING and PENDING' USING ERRCODE = 'SK301';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.payment <> OLD.payment AND NOT EXISTS (
        SELECT 1 FROM order_move WHERE machine = 'PAYMENT' AND from_state = OLD.payment AND to_state = NEW.payment)
    THEN
        RAISE EXCEPTION 'payment cannot move from % to %', OLD.payment, NEW.payment USING ERRCODE = 'SK301';
    END IF;
    IF NEW.fulfilment <> OLD.fulfilment AND NOT EXISTS (
        SELECT 1 FROM order_move WHERE machine = 'FULFILMENT' AND from_state = OLD.fulfilment AND to_state = NEW.fulfilment)
    THEN
        RAISE EXCEPTION 'fulfilment cannot move from % to %', OLD.fulfilment, NEW.fulfilment USING ERRCODE = 'SK301';
    END IF;
    IF (NEW.id, NEW.buyer_id, NEW.seller_id, NEW.listing_id, NEW.auction_id, NEW.total, NEW.fee, NEW.currency, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.buyer_id, OLD.seller_id, OLD.listing_id, OLD.auction_id, OLD.total, OLD.fee, OLD.currency, OLD.created_at)
    THEN
        RAISE EXCEPTION 'an order''s parties, goods and price are fixed' USING ERRCODE = 'SK301';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_guard_moves BEFORE INSERT OR UPDATE OR DELETE ON orders
    FOR EACH ROW EXECUTE FUNCTION order_guard_moves();

-- +goose Down
DROP TABLE orders;
DROP FUNCTION order_guard_moves();
DROP TABLE order_move;
DROP FUNCTION order_move_refuse_change();
