-- +goose Up
-- What an order's charges come to, by where the money comes from and goes to: docs/order-payments.md. order_charge explains them.
ALTER TABLE orders
    DROP CONSTRAINT orders_check, -- the fee is at most what the buyer pays
    ADD COLUMN tax         bigint NOT NULL DEFAULT 0 CHECK (tax >= 0),      -- that the platform hands on
    ADD COLUMN shipping    bigint NOT NULL DEFAULT 0 CHECK (shipping >= 0), -- that the platform keeps
    ADD COLUMN subsidy     bigint NOT NULL DEFAULT 0 CHECK (subsidy >= 0),  -- what the platform's promotion pays beside the buyer
    ADD COLUMN campaign_id uuid, -- whose promo_budget pays that
    ADD CHECK (fee >= 0),
    ADD CHECK (fee::numeric + tax + shipping <= total::numeric + subsidy),
    ADD CHECK (total::numeric + subsidy <= 9223372036854775807),
    ADD CHECK ((subsidy > 0) = (campaign_id IS NOT NULL));

-- +goose StatementBegin
CREATE FUNCTION order_amounts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an order''s amounts are fixed' USING ERRCODE = 'SK301';
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_amounts_guard BEFORE UPDATE ON orders FOR EACH ROW
    WHEN ((NEW.tax, NEW.shipping, NEW.subsidy, NEW.campaign_id) IS DISTINCT FROM (OLD.tax, OLD.shipping, OLD.subsidy, OLD.campaign_id))
    EXECUTE FUNCTION order_amounts_guard();

ALTER TABLE quote_group DROP CONSTRAINT quote_group_check, ADD CHECK (fee >= 0);

-- Who stands on the other side of a charge from its bearer: gets it, or gives it where it is negative. And which promotion it is of.
ALTER TABLE quote_charge
    ADD COLUMN counterparty text NOT NULL DEFAULT 'PLATFORM' CHECK (counterparty IN ('PLATFORM', 'SELLER')),
    ADD COLUMN promotion_id uuid,
    ADD CHECK ((kind = 'PROMOTION') = (promotion_id IS NOT NULL));
ALTER TABLE order_charge
    ADD COLUMN counterparty text NOT NULL DEFAULT 'PLATFORM' CHECK (counterparty IN ('PLATFORM', 'SELLER')),
    ADD COLUMN promotion_id uuid,
    ADD CHECK ((kind = 'PROMOTION') = (promotion_id IS NOT NULL));

-- What a refund gave back to the platform's promotion, and took back of tax and shipping where they were handed on already.
ALTER TABLE order_refund
    DROP CONSTRAINT order_refund_check1,
    ADD COLUMN subsidy_amount    bigint NOT NULL DEFAULT 0 CHECK (subsidy_amount >= 0),
    ADD COLUMN tax_returned      bigint NOT NULL DEFAULT 0 CHECK (tax_returned >= 0),
    ADD COLUMN shipping_returned bigint NOT NULL DEFAULT 0 CHECK (shipping_returned >= 0),
    ADD CHECK (fee_returned + tax_returned + shipping_returned + seller_returned IN (0, wallet_amount + card_amount + subsidy_amount));

-- How what is left of an order's total is divided, for the audit: payment.Terms says the same in Go, and a test compares the two.
-- +goose StatementBegin
CREATE FUNCTION order_parts(p_order orders, OUT subsidy bigint, OUT fee bigint, OUT tax bigint, OUT shipping bigint, OUT seller bigint)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    remains numeric := p_order.total - p_order.refunded - p_order.charged_back;
    whole   numeric := p_order.total::numeric + p_order.subsidy;
BEGIN
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

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM orders WHERE tax + shipping + subsidy > 0) THEN
        RAISE EXCEPTION 'orders have charges: the record of them is never deleted';
    END IF;
END $$;
-- +goose StatementEnd
DROP FUNCTION order_parts(orders);
ALTER TABLE order_refund DROP COLUMN subsidy_amount, DROP COLUMN tax_returned, DROP COLUMN shipping_returned,
    ADD CONSTRAINT order_refund_check1 CHECK (fee_returned + seller_returned IN (0, wallet_amount + card_amount));
ALTER TABLE order_charge DROP COLUMN promotion_id, DROP COLUMN counterparty;
ALTER TABLE quote_charge DROP COLUMN promotion_id, DROP COLUMN counterparty;
DROP TRIGGER order_amounts_guard ON orders;
DROP FUNCTION order_amounts_guard();
ALTER TABLE orders DROP COLUMN tax, DROP COLUMN shipping, DROP COLUMN subsidy, DROP COLUMN campaign_id,
    ADD CONSTRAINT orders_check CHECK (fee >= 0 AND fee <= total);
ALTER TABLE quote_group ADD CONSTRAINT quote_group_check CHECK (fee BETWEEN 0 AND total);
