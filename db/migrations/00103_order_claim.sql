-- Problems with orders, and goods that come back: docs/order-life.md.

-- +goose Up
ALTER TABLE order_move DROP CONSTRAINT order_move_machine_check, ADD CONSTRAINT order_move_machine_check CHECK (machine IN ('PAYMENT', 'FULFILMENT', 'CLAIM'));
INSERT INTO order_move VALUES
    ('CLAIM', 'OPEN', 'RETURN_AWAITED'), ('CLAIM', 'OPEN', 'ESCALATED'), ('CLAIM', 'OPEN', 'RESOLVED'), ('CLAIM', 'OPEN', 'WITHDRAWN'),
    ('CLAIM', 'RETURN_AWAITED', 'ESCALATED'), ('CLAIM', 'RETURN_AWAITED', 'RESOLVED'), ('CLAIM', 'RETURN_AWAITED', 'WITHDRAWN'),
    ('CLAIM', 'ESCALATED', 'RETURN_AWAITED'), ('CLAIM', 'ESCALATED', 'RESOLVED'), ('CLAIM', 'ESCALATED', 'REFUSED'), ('CLAIM', 'ESCALATED', 'WITHDRAWN');

-- What a buyer says is wrong with an order, or that they send it back; one at a time.
CREATE TABLE order_claim (
    id          uuid        PRIMARY KEY,
    order_id    uuid        NOT NULL REFERENCES orders (id),
    reason      text        NOT NULL,
    body        text        NOT NULL CHECK (length(body) <= 2000),
    status      text        NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'RETURN_AWAITED', 'ESCALATED', 'RESOLVED', 'REFUSED', 'WITHDRAWN')),
    answer      text        NOT NULL DEFAULT '' CHECK (length(answer) <= 2000), -- the newest, of its seller or of staff
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    answered_at timestamptz,
    ended_at    timestamptz,
    CHECK ((status IN ('RESOLVED', 'REFUSED', 'WITHDRAWN')) = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX order_claim_open ON order_claim (order_id) WHERE ended_at IS NULL;
CREATE INDEX order_claim_of_order ON order_claim (order_id, opened_at DESC, id DESC);

-- The open claim's status, by which an order knows what may be done with it; the check order_claims holds the two equal.
ALTER TABLE orders ADD COLUMN claim text CHECK (claim IN ('OPEN', 'RETURN_AWAITED', 'ESCALATED'));

-- +goose StatementBegin
CREATE FUNCTION order_claim_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a claim is never deleted' USING ERRCODE = 'SK450';
    END IF;
    IF TG_OP = 'INSERT' AND NEW.status <> 'OPEN' THEN
        RAISE EXCEPTION 'a claim begins as OPEN' USING ERRCODE = 'SK450';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.id, NEW.order_id, NEW.reason, NEW.body, NEW.opened_at) IS DISTINCT FROM (OLD.id, OLD.order_id, OLD.reason, OLD.body, OLD.opened_at) THEN
        RAISE EXCEPTION 'what a claim is about is fixed' USING ERRCODE = 'SK450';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.status <> OLD.status AND NOT EXISTS (
        SELECT 1 FROM order_move WHERE machine = 'CLAIM' AND from_state = OLD.status AND to_state = NEW.status)
    THEN
        RAISE EXCEPTION 'a claim cannot move from % to %', OLD.status, NEW.status USING ERRCODE = 'SK450';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_claim_guard BEFORE INSERT OR UPDATE OR DELETE ON order_claim FOR EACH ROW EXECUTE FUNCTION order_claim_guard();

-- What came back of an order that was sent, and may be sold again.
CREATE TABLE order_restock (
    id       uuid        PRIMARY KEY,
    order_id uuid        NOT NULL,
    number   smallint    NOT NULL,
    quantity integer     NOT NULL CHECK (quantity > 0),
    actor_id uuid        NOT NULL REFERENCES app_user (id),
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (order_id, number) REFERENCES order_line (order_id, number)
);
CREATE INDEX order_restock_of_line ON order_restock (order_id, number);
CREATE TRIGGER order_restock_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON order_restock FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();

-- Puts so many of a line back to where they were reserved, under the order's lock. SK451: more than was sold and has not come back; codes never do.
-- +goose StatementBegin
CREATE FUNCTION order_restock(p_id uuid, p_order uuid, p_number integer, p_quantity integer, p_actor uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    line  record;
    place record;
    owed  integer := p_quantity;
    here  integer;
BEGIN
    SELECT ol.variant_id, ol.listing_id, ol.quantity, o.reservation_id, l.kind,
           (SELECT coalesce(sum(r.quantity), 0) FROM order_restock r WHERE r.order_id = o.id AND r.number = ol.number) AS back
    INTO line
    FROM orders o JOIN order_line ol ON ol.order_id = o.id JOIN listing l ON l.id = ol.listing_id
    WHERE o.id = p_order AND ol.number = p_number AND o.fulfilment IN ('SENT', 'EN_ROUTE', 'RECEIVED');
    IF NOT FOUND OR line.kind = 'DIGITAL_CODE' OR line.back + p_quantity > line.quantity THEN
        RAISE EXCEPTION '% of line % of order % cannot come back', p_quantity, p_number, p_order USING ERRCODE = 'SK451';
    END IF;
    INSERT INTO order_restock (id, order_id, number, quantity, actor_id) VALUES (p_id, p_order, p_number, p_quantity, p_actor);
    FOR place IN
        SELECT rl.location_id, rl.quantity - coalesce((
                   SELECT sum(m.quantity) FROM stock_movement m
                   WHERE m.kind = 'RETURNED' AND m.cause_id = p_order AND m.variant_id = rl.variant_id AND m.location_id = rl.location_id), 0) AS room
        FROM reservation_line rl
        WHERE rl.reservation_id = line.reservation_id AND rl.variant_id = line.variant_id AND rl.location_id IS NOT NULL
        ORDER BY rl.location_id
    LOOP
        here := least(owed, place.room);
        CONTINUE WHEN here <= 0;
        INSERT INTO stock_movement (variant_id, location_id, number, kind, quantity, on_hand, cause_id, actor_id)
        VALUES (line.variant_id, place.location_id, 0, 'RETURNED', here, 0, p_order, p_actor);
        owed := owed - here;
    END LOOP;
    IF owed = p_quantity THEN -- it exists once
        UPDATE listing
        SET status = CASE status WHEN 'HIDDEN' THEN status ELSE 'ACTIVE' END, hidden_from = CASE status WHEN 'HIDDEN' THEN 'ACTIVE' END
        WHERE id = line.listing_id AND coalesce(hidden_from, status) = 'SOLD';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'listing % is not sold', line.listing_id USING ERRCODE = 'SK451';
        END IF;
    ELSIF owed > 0 THEN
        RAISE EXCEPTION '% of line % of order % cannot come back', p_quantity, p_number, p_order USING ERRCODE = 'SK451';
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION order_restock(uuid, uuid, integer, integer, uuid);
DROP TABLE order_restock, order_claim;
DROP FUNCTION order_claim_guard();
ALTER TABLE orders DROP COLUMN claim;
DELETE FROM order_move WHERE machine = 'CLAIM';
ALTER TABLE order_move DROP CONSTRAINT order_move_machine_check, ADD CONSTRAINT order_move_machine_check CHECK (machine IN ('PAYMENT', 'FULFILMENT'));
