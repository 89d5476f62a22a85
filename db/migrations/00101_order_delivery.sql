-- A parcel on its way and delivered, and orders that are completed by time: docs/order-life.md.

-- +goose Up
INSERT INTO order_move VALUES ('FULFILMENT', 'SENT', 'EN_ROUTE'), ('FULFILMENT', 'EN_ROUTE', 'RECEIVED');

-- Which constraints spoke of what is sent has changed with each migration, and their names with it.
-- +goose StatementBegin
DO $$
DECLARE
    old name;
BEGIN
    FOR old IN
        SELECT conname FROM pg_constraint
        WHERE conrelid = 'orders'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%''RECEIVED''%'
    LOOP
        EXECUTE format('ALTER TABLE orders DROP CONSTRAINT %I', old);
    END LOOP;
END $$;
-- +goose StatementEnd

ALTER TABLE orders
    ADD COLUMN en_route_at  timestamptz, -- when its carrier first had it
    ADD COLUMN delivered_at timestamptz, -- when its carrier said that all of it is there; received_at may be earlier
    ADD COLUMN complete_by  timestamptz, -- when it is completed unless its buyer does so before
    ADD COLUMN settled_at   timestamptz, -- when its escrow was released
    ADD CONSTRAINT orders_fulfilment_known CHECK (fulfilment IN ('PENDING', 'SENT', 'EN_ROUTE', 'RECEIVED', 'CANCELLED')),
    ADD CONSTRAINT orders_sent_is_paid CHECK (fulfilment NOT IN ('SENT', 'EN_ROUTE', 'RECEIVED') OR payment IN ('PAID', 'SETTLED', 'REFUNDED', 'CHARGED_BACK')),
    -- Escrow leaves for the seller only when the buyer has the goods.
    ADD CONSTRAINT orders_settled_is_received CHECK (payment <> 'SETTLED' OR fulfilment = 'RECEIVED');

-- Until now an order was released as it was received.
UPDATE orders SET settled_at = received_at WHERE received_at IS NOT NULL;
UPDATE orders SET complete_by = clock_timestamp() + interval '21 days' WHERE payment = 'PAID' AND fulfilment = 'SENT';
ALTER TABLE orders ADD CONSTRAINT orders_settled_at CHECK (payment <> 'SETTLED' OR settled_at IS NOT NULL);
CREATE INDEX orders_complete_by ON orders (complete_by, id) WHERE payment = 'PAID' AND fulfilment IN ('SENT', 'EN_ROUTE', 'RECEIVED');

-- Times that follow from a move are the row's own to keep, also for servers of the version before.
-- +goose StatementBegin
CREATE FUNCTION order_keep_times() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.payment = 'SETTLED' AND OLD.payment <> 'SETTLED' THEN
        NEW.settled_at := clock_timestamp();
    END IF;
    IF NEW.fulfilment = 'SENT' AND NEW.complete_by IS NULL THEN
        NEW.complete_by := clock_timestamp() + interval '21 days';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_keep_times BEFORE UPDATE OF payment, fulfilment ON orders FOR EACH ROW EXECUTE FUNCTION order_keep_times();

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM orders WHERE fulfilment = 'EN_ROUTE' OR (fulfilment = 'RECEIVED' AND payment = 'PAID')) THEN
        RAISE EXCEPTION 'orders are on their way, or delivered and not completed: the version before knows neither';
    END IF;
END $$;
-- +goose StatementEnd
DROP TRIGGER order_keep_times ON orders;
DROP FUNCTION order_keep_times();
DROP INDEX orders_complete_by;
ALTER TABLE orders
    DROP CONSTRAINT orders_fulfilment_known, DROP CONSTRAINT orders_sent_is_paid, DROP CONSTRAINT orders_settled_is_received, DROP CONSTRAINT orders_settled_at,
    DROP COLUMN en_route_at, DROP COLUMN delivered_at, DROP COLUMN complete_by, DROP COLUMN settled_at,
    ADD CONSTRAINT orders_fulfilment_check CHECK (fulfilment IN ('PENDING', 'SENT', 'RECEIVED', 'CANCELLED')),
    ADD CHECK (payment <> 'SETTLED' OR fulfilment = 'RECEIVED'),
    ADD CHECK (fulfilment NOT IN ('SENT', 'RECEIVED') OR payment IN ('PAID', 'SETTLED', 'REFUNDED', 'CHARGED_BACK'));
DELETE FROM order_move WHERE machine = 'FULFILMENT' AND 'EN_ROUTE' IN (from_state, to_state);
