-- +goose Up
-- Orders over nothing: what is given away, and what a seller's promotion takes all of. No money moves for them: docs/checkout.md, "Over nothing".
ALTER TABLE quote DROP CONSTRAINT quote_total_check, ADD CONSTRAINT quote_total_check CHECK (total >= 0);
ALTER TABLE quote_group DROP CONSTRAINT quote_group_total_check, ADD CONSTRAINT quote_group_total_check CHECK (total >= 0);

-- That all of an order went back, and that it is refunded, are one thing only where there was something to give back.
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT conname FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype = 'c'
        AND (pg_get_constraintdef(oid) LIKE '%(refunded + charged_back) = total%' OR pg_get_constraintdef(oid) LIKE '%OR (refunded > 0)%')
    LOOP
        EXECUTE format('ALTER TABLE orders DROP CONSTRAINT %I', name);
    END LOOP;
END $$;
-- +goose StatementEnd
ALTER TABLE orders
    DROP CONSTRAINT orders_total_check,
    ADD CONSTRAINT orders_total_check CHECK (total >= 0),
    ADD CONSTRAINT orders_of_nothing CHECK (total > 0 OR subsidy = 0),
    ADD CONSTRAINT orders_refunded_whole CHECK (total = 0 OR (payment IN ('REFUNDED', 'CHARGED_BACK')) = (refunded + charged_back = total)),
    ADD CONSTRAINT orders_refunded_some CHECK (total = 0 OR payment <> 'REFUNDED' OR refunded > 0);

-- As in 00092, and of nothing everybody has nothing.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION order_parts(p_order orders, OUT subsidy bigint, OUT fee bigint, OUT tax bigint, OUT shipping bigint, OUT seller bigint)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    remains numeric := p_order.total - p_order.refunded - p_order.charged_back;
    whole   numeric := p_order.total::numeric + p_order.subsidy;
BEGIN
    IF p_order.total = 0 THEN
        subsidy := 0;
        fee := 0;
        tax := 0;
        shipping := 0;
        seller := 0;
        RETURN;
    END IF;
    subsidy := div(p_order.subsidy * remains, p_order.total);
    remains := remains + subsidy;
    fee := div(p_order.fee * remains, whole);
    remains := remains - fee;
    whole := whole - p_order.fee;
    tax := CASE WHEN p_order.tax > 0 THEN div(p_order.tax * remains, whole) ELSE 0 END;
    remains := remains - tax;
    whole := whole - p_order.tax;
    shipping := CASE WHEN p_order.shipping > 0 THEN div(p_order.shipping * remains, whole) ELSE 0 END;
    seller := remains - shipping;
END $$;
-- +goose StatementEnd

-- Of what nobody pays there is no invoice.
DROP TRIGGER invoice_want_sent ON orders;
CREATE TRIGGER invoice_want_sent AFTER UPDATE ON orders FOR EACH ROW WHEN (OLD.sent_at IS NULL AND NEW.sent_at IS NOT NULL AND NEW.total > 0) EXECUTE FUNCTION invoice_want();

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM quote_group WHERE total = 0) OR EXISTS (SELECT FROM orders WHERE total = 0) THEN
        RAISE EXCEPTION 'there are orders over nothing: they are never deleted';
    END IF;
END $$;
-- +goose StatementEnd
DROP TRIGGER invoice_want_sent ON orders;
CREATE TRIGGER invoice_want_sent AFTER UPDATE ON orders FOR EACH ROW WHEN (OLD.sent_at IS NULL AND NEW.sent_at IS NOT NULL) EXECUTE FUNCTION invoice_want();
ALTER TABLE orders
    DROP CONSTRAINT orders_refunded_some,
    DROP CONSTRAINT orders_refunded_whole,
    DROP CONSTRAINT orders_of_nothing,
    DROP CONSTRAINT orders_total_check,
    ADD CONSTRAINT orders_total_check CHECK (total > 0),
    ADD CHECK ((payment IN ('REFUNDED', 'CHARGED_BACK')) = (refunded + charged_back = total)),
    ADD CHECK (payment <> 'REFUNDED' OR refunded > 0);
ALTER TABLE quote_group DROP CONSTRAINT quote_group_total_check, ADD CONSTRAINT quote_group_total_check CHECK (total > 0);
ALTER TABLE quote DROP CONSTRAINT quote_total_check, ADD CONSTRAINT quote_total_check CHECK (total > 0);
