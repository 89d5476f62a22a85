-- +goose Up
-- What was won in a lot is checked out after its order is made: docs/checkout.md, "What was won".
ALTER TABLE quote
    ALTER COLUMN reservation_id DROP NOT NULL,
    ADD COLUMN order_id   uuid REFERENCES orders (id), -- that there is already; null: its orders are made when it is confirmed
    ADD COLUMN expires_at timestamptz, -- of what sets nothing aside; else it is the reservation's
    ADD COLUMN paid       boolean NOT NULL DEFAULT false, -- its order was paid before it was quoted
    ADD CHECK (num_nonnulls(reservation_id, order_id) = 1),
    ADD CHECK ((order_id IS NULL) = (expires_at IS NULL)),
    ADD CHECK (NOT paid OR order_id IS NOT NULL);
CREATE INDEX quote_of_order ON quote (order_id) WHERE order_id IS NOT NULL;

-- An order may be quoted more than once, and is checked out once.
ALTER TABLE quote_group DROP CONSTRAINT quote_group_order;
CREATE INDEX quote_group_order ON quote_group (order_id);
ALTER TABLE orders ADD COLUMN quote_id uuid CONSTRAINT orders_quote UNIQUE REFERENCES quote (id); -- that has set its amounts after it was made

-- Whether a quote of an order may be confirmed: the order is as it was when it was quoted.
-- +goose StatementBegin
CREATE FUNCTION quote_order_open(q quote, o orders) RETURNS boolean LANGUAGE sql AS $$
    SELECT q.expires_at > clock_timestamp() AND o.quote_id IS NULL AND o.fulfilment = 'PENDING' AND NOT o.disputed
       AND CASE WHEN q.paid THEN o.payment IN ('AUTHORISED', 'PAID') AND o.refunded + o.charged_back = 0 ELSE o.payment = 'PENDING' END
$$;
-- +goose StatementEnd

-- As in 00027; what is paid is order_amounts_guard's.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION order_guard_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an order is never deleted' USING ERRCODE = 'SK301';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.payment <> 'PENDING' OR NEW.fulfilment <> 'PENDING' OR NEW.quote_id IS NOT NULL THEN
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
    IF (NEW.id, NEW.buyer_id, NEW.seller_id, NEW.listing_id, NEW.auction_id, NEW.fee, NEW.currency, NEW.card_id, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.buyer_id, OLD.seller_id, OLD.listing_id, OLD.auction_id, OLD.fee, OLD.currency, OLD.card_id, OLD.created_at)
    THEN
        RAISE EXCEPTION 'an order''s parties, goods and price are fixed' USING ERRCODE = 'SK301';
    END IF;
    IF NEW.refunded < OLD.refunded THEN
        RAISE EXCEPTION 'what was refunded stays refunded' USING ERRCODE = 'SK301';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- An order's amounts are fixed, but for one that was won in a lot: what its buyer has confirmed once of a quote of it is added to them. What is paid already costs
-- its buyer nothing more.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION order_amounts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.auction_id IS NULL OR OLD.quote_id IS NOT NULL
        OR (NEW.subsidy, NEW.campaign_id) IS DISTINCT FROM (OLD.subsidy, OLD.campaign_id)
        OR NEW.payment <> OLD.payment OR NEW.fulfilment <> OLD.fulfilment OR OLD.fulfilment <> 'PENDING'
        OR NOT EXISTS (
            SELECT FROM checkout k JOIN quote q ON q.id = k.quote_id JOIN quote_group g ON g.quote_id = q.id
            WHERE k.quote_id = NEW.quote_id AND q.order_id = NEW.id AND g.order_id = NEW.id AND (q.user_id, g.total, g.fee) = (NEW.buyer_id, NEW.total, NEW.fee)
              AND CASE WHEN q.paid THEN OLD.payment IN ('AUTHORISED', 'PAID') AND NEW.total = OLD.total AND OLD.refunded + OLD.charged_back = 0
                       ELSE OLD.payment = 'PENDING' AND NEW.total >= OLD.total END)
    THEN
        RAISE EXCEPTION 'an order''s amounts are fixed' USING ERRCODE = 'SK301';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
DROP TRIGGER order_amounts_guard ON orders;
CREATE TRIGGER order_amounts_guard BEFORE UPDATE ON orders FOR EACH ROW
    WHEN ((NEW.total, NEW.tax, NEW.shipping, NEW.subsidy, NEW.campaign_id, NEW.quote_id) IS DISTINCT FROM (OLD.total, OLD.tax, OLD.shipping, OLD.subsidy, OLD.campaign_id, OLD.quote_id))
    EXECUTE FUNCTION order_amounts_guard();

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM quote WHERE order_id IS NOT NULL) THEN
        RAISE EXCEPTION 'orders were quoted: the record of it is never deleted';
    END IF;
END $$;
-- +goose StatementEnd
DROP TRIGGER order_amounts_guard ON orders;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION order_amounts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an order''s amounts are fixed' USING ERRCODE = 'SK301';
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_amounts_guard BEFORE UPDATE ON orders FOR EACH ROW
    WHEN ((NEW.total, NEW.tax, NEW.shipping, NEW.subsidy, NEW.campaign_id) IS DISTINCT FROM (OLD.total, OLD.tax, OLD.shipping, OLD.subsidy, OLD.campaign_id))
    EXECUTE FUNCTION order_amounts_guard();
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION order_guard_moves() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF (NEW.id, NEW.buyer_id, NEW.seller_id, NEW.listing_id, NEW.auction_id, NEW.total, NEW.fee, NEW.currency, NEW.card_id, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.buyer_id, OLD.seller_id, OLD.listing_id, OLD.auction_id, OLD.total, OLD.fee, OLD.currency, OLD.card_id, OLD.created_at)
    THEN
        RAISE EXCEPTION 'an order''s parties, goods and price are fixed' USING ERRCODE = 'SK301';
    END IF;
    IF NEW.refunded < OLD.refunded THEN
        RAISE EXCEPTION 'what was refunded stays refunded' USING ERRCODE = 'SK301';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
DROP FUNCTION quote_order_open(quote, orders);
ALTER TABLE orders DROP COLUMN quote_id;
DROP INDEX quote_group_order;
ALTER TABLE quote_group ADD CONSTRAINT quote_group_order UNIQUE (order_id);
ALTER TABLE quote ALTER COLUMN reservation_id SET NOT NULL, DROP COLUMN order_id, DROP COLUMN expires_at, DROP COLUMN paid;
