-- +goose Up
-- A refund of an order over nothing is a row as every other, with the lines that it is of and no money: docs/checkout.md, "Over nothing".
ALTER TABLE order_refund
    DROP CONSTRAINT order_refund_check,
    ADD CONSTRAINT order_refund_of_something CHECK (wallet_amount + card_amount > 0 OR subsidy_amount = 0 AND lines IS NOT NULL);

-- Such a row is of an order over nothing alone, and nobody takes more of a line back than it is of. Its order is locked by whoever writes it.
-- +goose StatementBegin
CREATE FUNCTION order_refund_of_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM orders WHERE id = NEW.order_id AND total = 0) OR EXISTS (
        SELECT FROM order_refund r CROSS JOIN LATERAL jsonb_to_recordset(r.lines) AS x (number integer, quantity integer)
        LEFT JOIN order_line l ON l.order_id = r.order_id AND l.number = x.number
        WHERE r.order_id = NEW.order_id
        GROUP BY x.number, l.quantity
        HAVING l.quantity IS NULL OR sum(x.quantity) > l.quantity OR min(x.quantity) < 1)
    THEN
        RAISE EXCEPTION 'refund % gives nothing back, of more than was given', NEW.id USING ERRCODE = 'SK303';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_refund_of_nothing AFTER INSERT ON order_refund FOR EACH ROW WHEN (NEW.wallet_amount + NEW.card_amount = 0) EXECUTE FUNCTION order_refund_of_nothing();

-- As in 00117: of what nobody has paid there is no credit note.
DROP TRIGGER invoice_want_refunded ON order_refund;
CREATE TRIGGER invoice_want_refunded AFTER INSERT ON order_refund FOR EACH ROW WHEN (NEW.wallet_amount + NEW.card_amount > 0) EXECUTE FUNCTION invoice_want();

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM order_refund WHERE wallet_amount + card_amount = 0) THEN
        RAISE EXCEPTION 'orders over nothing were refunded: the record of it is never deleted';
    END IF;
END $$;
-- +goose StatementEnd
DROP TRIGGER invoice_want_refunded ON order_refund;
CREATE TRIGGER invoice_want_refunded AFTER INSERT ON order_refund FOR EACH ROW EXECUTE FUNCTION invoice_want();
DROP TRIGGER order_refund_of_nothing ON order_refund;
DROP FUNCTION order_refund_of_nothing();
ALTER TABLE order_refund DROP CONSTRAINT order_refund_of_something, ADD CONSTRAINT order_refund_check CHECK (wallet_amount + card_amount > 0);
