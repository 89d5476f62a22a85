-- +goose Up
-- Who charges tax, and which taxes were estimated: docs/tax.md.
CREATE TABLE tax_registration (
    user_id    uuid        PRIMARY KEY REFERENCES app_user (id),
    country    text        NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    number     text        NOT NULL CHECK (number ~ '^[A-Z0-9]{4,20}$'), -- as the country writes it, without spaces
    active     boolean     NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE quote_charge ADD COLUMN estimated boolean NOT NULL DEFAULT false;
ALTER TABLE order_charge ADD COLUMN estimated boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE order_charge DROP COLUMN estimated;
ALTER TABLE quote_charge DROP COLUMN estimated;
DROP TABLE tax_registration;
