-- What a tax is of, beside it: docs/invoices.md. Null of what was charged before, and of what is no tax.

-- +goose Up
ALTER TABLE quote_charge ADD COLUMN base bigint CHECK (base >= 0), ADD CONSTRAINT quote_charge_base CHECK (base IS NULL OR kind = 'TAX');
ALTER TABLE order_charge ADD COLUMN base bigint CHECK (base >= 0), ADD CONSTRAINT order_charge_base CHECK (base IS NULL OR kind = 'TAX');

-- +goose Down
ALTER TABLE order_charge DROP COLUMN base;
ALTER TABLE quote_charge DROP COLUMN base;
