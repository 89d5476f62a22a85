-- A card's bank may take back that a chargeback was lost: docs/chargebacks.md. And a code of its own for each guard that shared SK203.

-- +goose Up
ALTER TABLE chargeback
    ADD COLUMN lost_covered bigint, -- of one that was lost before it was won: what covered was
    ADD CHECK (lost_covered BETWEEN 0 AND amount),
    ADD CHECK (lost_covered IS NULL OR status = 'WON');

-- As in 00016, and what is lost may be won once after that.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION chargeback_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.decided_at IS NOT NULL
        AND (OLD.status, NEW.status, NEW.lost_covered) IS DISTINCT FROM ('LOST', 'WON', OLD.covered))
       OR (OLD.decided_at IS NULL AND NEW.lost_covered IS NOT NULL)
       OR (NEW.id, NEW.provider, NEW.dispute_id, NEW.charge_id, NEW.top_up_id, NEW.order_payment_id, NEW.user_id, NEW.currency, NEW.opened_at)
          IS DISTINCT FROM (OLD.id, OLD.provider, OLD.dispute_id, OLD.charge_id, OLD.top_up_id, OLD.order_payment_id, OLD.user_id, OLD.currency, OLD.opened_at)
       OR (OLD.withdrawn_txn_id IS NOT NULL AND (NEW.withdrawn_txn_id, NEW.amount) IS DISTINCT FROM (OLD.withdrawn_txn_id, OLD.amount))
    THEN
        RAISE EXCEPTION 'a chargeback is decided once, but for a loss that is taken back, and what it is about is fixed' USING ERRCODE = 'SK253';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION exchange_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an exchange is written once' USING ERRCODE = 'SK254';
END $$;
-- +goose StatementEnd

INSERT INTO order_move VALUES ('PAYMENT', 'CHARGED_BACK', 'PAID'), ('PAYMENT', 'CHARGED_BACK', 'REFUNDED');

-- As in 00026, and what a bank has taken it may give back.
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

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM chargeback WHERE lost_covered IS NOT NULL) THEN
        RAISE EXCEPTION 'losses have been taken back: the record of it is never deleted';
    END IF;
END $$;
-- +goose StatementEnd
-- order_guard_moves and the codes stay as they are: nothing depends on them.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION chargeback_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.decided_at IS NOT NULL
       OR (NEW.id, NEW.provider, NEW.dispute_id, NEW.charge_id, NEW.top_up_id, NEW.order_payment_id, NEW.user_id, NEW.currency, NEW.opened_at)
          IS DISTINCT FROM (OLD.id, OLD.provider, OLD.dispute_id, OLD.charge_id, OLD.top_up_id, OLD.order_payment_id, OLD.user_id, OLD.currency, OLD.opened_at)
       OR (OLD.withdrawn_txn_id IS NOT NULL AND (NEW.withdrawn_txn_id, NEW.amount) IS DISTINCT FROM (OLD.withdrawn_txn_id, OLD.amount))
    THEN
        RAISE EXCEPTION 'a chargeback is decided once, and what it is about is fixed' USING ERRCODE = 'SK253';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
DELETE FROM order_move WHERE machine = 'PAYMENT' AND from_state = 'CHARGED_BACK';
ALTER TABLE chargeback DROP COLUMN lost_covered;
