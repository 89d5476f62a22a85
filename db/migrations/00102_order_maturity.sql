-- Earnings wait in seller_pending until the return window of their order is over: docs/order-life.md.

-- +goose Up
ALTER TABLE orders
    ADD COLUMN mature_by  timestamptz, -- when the return window is over, from its first release on
    ADD COLUMN matured_at timestamptz; -- when what it earned became its seller's; null while something waits
UPDATE orders SET mature_by = settled_at, matured_at = settled_at WHERE settled_at IS NOT NULL; -- these were paid to their sellers at once
CREATE INDEX orders_mature_by ON orders (mature_by, id) WHERE payment = 'SETTLED' AND matured_at IS NULL;

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM orders WHERE payment = 'SETTLED' AND mature_by IS NOT NULL AND matured_at IS NULL) THEN
        RAISE EXCEPTION 'earnings wait: the version before would never pay them';
    END IF;
END $$;
-- +goose StatementEnd
DROP INDEX orders_mature_by;
ALTER TABLE orders DROP COLUMN mature_by, DROP COLUMN matured_at;
