-- Goods that come back to their seller: docs/order-life.md#returns.

-- +goose Up
INSERT INTO order_move VALUES
    ('CLAIM', 'RETURN_AWAITED', 'RETURN_SENT'), ('CLAIM', 'RETURN_AWAITED', 'RETURN_ARRIVED'),
    ('CLAIM', 'RETURN_SENT', 'RETURN_ARRIVED'), ('CLAIM', 'RETURN_SENT', 'ESCALATED'), ('CLAIM', 'RETURN_SENT', 'RESOLVED'),
    ('CLAIM', 'RETURN_ARRIVED', 'ESCALATED'), ('CLAIM', 'RETURN_ARRIVED', 'RESOLVED');

ALTER TABLE orders DROP CONSTRAINT orders_claim_check,
    ADD CONSTRAINT orders_claim_check CHECK (claim IN ('OPEN', 'RETURN_AWAITED', 'RETURN_SENT', 'RETURN_ARRIVED', 'ESCALATED'));
ALTER TABLE order_claim DROP CONSTRAINT order_claim_status_check,
    ADD CONSTRAINT order_claim_status_check CHECK (status IN ('OPEN', 'RETURN_AWAITED', 'RETURN_SENT', 'RETURN_ARRIVED', 'ESCALATED', 'RESOLVED', 'REFUSED', 'WITHDRAWN')),
    ADD COLUMN asked_return   boolean NOT NULL DEFAULT false, -- its buyer asked to send goods back, and for nothing else
    ADD COLUMN bearer         text    CHECK (bearer IN ('BUYER', 'SELLER')), -- who pays for the way back; null until goods are to come back
    ADD COLUMN tracking       text    NOT NULL DEFAULT '' CHECK (length(tracking) <= 100),
    ADD COLUMN sent_back_at   timestamptz, -- by its buyer's word, or its carrier's
    ADD COLUMN carried_at     timestamptz, -- since when a carrier that we know of has it
    ADD COLUMN arrived_at     timestamptz, -- by its carrier's word
    ADD COLUMN label_cost     bigint  CHECK (label_cost > 0), -- of the label that was used
    ADD COLUMN label_charge   bigint  CHECK (label_charge BETWEEN 0 AND label_cost), -- what of it its seller has paid
    ADD COLUMN label_currency text    CHECK (label_currency ~ '^[A-Z]{3}$'),
    ADD CONSTRAINT order_claim_label CHECK ((label_cost IS NULL) = (label_charge IS NULL) AND (label_cost IS NULL) = (label_currency IS NULL)),
    ADD CONSTRAINT order_claim_id_order UNIQUE (id, order_id);

-- What of an order is to come back, and has.
CREATE TABLE order_return_line (
    claim_id uuid     NOT NULL,
    order_id uuid     NOT NULL,
    number   smallint NOT NULL,
    quantity integer  NOT NULL CHECK (quantity > 0),
    received integer  NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND quantity),
    PRIMARY KEY (claim_id, number),
    FOREIGN KEY (claim_id, order_id) REFERENCES order_claim (id, order_id),
    FOREIGN KEY (order_id, number) REFERENCES order_line (order_id, number)
);
CREATE INDEX order_return_line_of_order ON order_return_line (order_id, number);

-- +goose StatementBegin
CREATE FUNCTION order_return_line_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.claim_id, NEW.order_id, NEW.number, NEW.quantity) IS DISTINCT FROM (OLD.claim_id, OLD.order_id, OLD.number, OLD.quantity) OR NEW.received < OLD.received THEN
        RAISE EXCEPTION 'what is to come back is fixed, and what has come stays' USING ERRCODE = 'SK450';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_return_line_guard BEFORE UPDATE ON order_return_line FOR EACH ROW EXECUTE FUNCTION order_return_line_guard();
CREATE TRIGGER order_return_line_refuse BEFORE DELETE OR TRUNCATE ON order_return_line FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();

-- +goose Down
DROP TABLE order_return_line;
DROP FUNCTION order_return_line_guard();
ALTER TABLE order_claim DROP CONSTRAINT order_claim_id_order, DROP CONSTRAINT order_claim_label, DROP CONSTRAINT order_claim_status_check,
    ADD CONSTRAINT order_claim_status_check CHECK (status IN ('OPEN', 'RETURN_AWAITED', 'ESCALATED', 'RESOLVED', 'REFUSED', 'WITHDRAWN')),
    DROP COLUMN asked_return, DROP COLUMN bearer, DROP COLUMN tracking, DROP COLUMN sent_back_at, DROP COLUMN carried_at, DROP COLUMN arrived_at,
    DROP COLUMN label_cost, DROP COLUMN label_charge, DROP COLUMN label_currency;
ALTER TABLE orders DROP CONSTRAINT orders_claim_check, ADD CONSTRAINT orders_claim_check CHECK (claim IN ('OPEN', 'RETURN_AWAITED', 'ESCALATED'));
DELETE FROM order_move WHERE machine = 'CLAIM' AND (from_state LIKE 'RETURN_%' AND to_state LIKE 'RETURN_%' OR from_state IN ('RETURN_SENT', 'RETURN_ARRIVED'));
