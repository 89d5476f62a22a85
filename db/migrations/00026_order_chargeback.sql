-- Chargebacks of orders' card payments: docs/chargebacks.md.

-- +goose Up
ALTER TABLE chargeback ADD FOREIGN KEY (order_payment_id) REFERENCES order_payment (id);

-- A bank that gives money back may give the fee of the dispute back with it.
ALTER TABLE provider_txn
    DROP CONSTRAINT provider_txn_fee_check,
    ADD CHECK (fee >= 0 OR kind = 'CHARGEBACK_REVERSAL');

INSERT INTO order_move VALUES ('PAYMENT', 'PAID', 'CHARGED_BACK');

ALTER TABLE orders
    DROP CONSTRAINT orders_payment_check,
    DROP CONSTRAINT orders_check4, -- what is sent or received
    DROP CONSTRAINT orders_check5, -- what is cancelled
    DROP CONSTRAINT orders_check7, -- REFUNDED is not to be sent
    DROP CONSTRAINT orders_check8, -- REFUNDED is all of it
    DROP CONSTRAINT orders_check9, -- when something may be refunded
    ADD COLUMN charged_back bigint  NOT NULL DEFAULT 0 CHECK (charged_back >= 0), -- out of escrow, by lost chargebacks
    ADD COLUMN disputed     boolean NOT NULL DEFAULT false, -- money of it is withdrawn by the card's bank, or was after the release
    ADD CHECK (payment IN ('PENDING', 'AUTHORISED', 'PAID', 'SETTLED', 'REFUNDED', 'VOIDED', 'CHARGED_BACK')),
    ADD CHECK (fulfilment NOT IN ('SENT', 'RECEIVED') OR payment IN ('PAID', 'SETTLED', 'REFUNDED', 'CHARGED_BACK')),
    ADD CHECK (fulfilment <> 'CANCELLED' OR payment IN ('PENDING', 'AUTHORISED', 'VOIDED', 'REFUNDED', 'CHARGED_BACK')),
    ADD CHECK (payment NOT IN ('REFUNDED', 'CHARGED_BACK') OR fulfilment <> 'PENDING'),
    ADD CHECK ((payment IN ('REFUNDED', 'CHARGED_BACK')) = (refunded + charged_back = total)),
    ADD CHECK (payment <> 'CHARGED_BACK' OR charged_back > 0),
    ADD CHECK (payment <> 'REFUNDED' OR refunded > 0),
    ADD CHECK (refunded + charged_back = 0 OR payment IN ('PAID', 'SETTLED', 'REFUNDED', 'CHARGED_BACK')),
    ADD CHECK (refunded + charged_back <= total);

-- As in 00014, and what a bank has taken stays taken.
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
    IF NEW.refunded < OLD.refunded OR NEW.charged_back < OLD.charged_back THEN
        RAISE EXCEPTION 'what was refunded or charged back stays so' USING ERRCODE = 'SK301';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM orders WHERE charged_back > 0 OR disputed) OR EXISTS (SELECT FROM provider_txn WHERE fee < 0) THEN
        RAISE EXCEPTION 'orders have been charged back: the record of it is never deleted';
    END IF;
END $$;
-- +goose StatementEnd
DELETE FROM order_move WHERE to_state = 'CHARGED_BACK';
ALTER TABLE orders DROP COLUMN charged_back, DROP COLUMN disputed;
