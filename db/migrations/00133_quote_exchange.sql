-- +goose Up
-- What each order of a quote costs in the currency of another wallet of its buyer, at a rate that is fixed with the quote: docs/exchange-snapshot.md. Written once.
CREATE TABLE quote_exchange (
    quote_id      uuid     NOT NULL,
    group_number  smallint NOT NULL,
    from_currency text     NOT NULL CHECK (from_currency ~ '^[A-Z]{3}$'),
    from_amount   bigint   NOT NULL CHECK (from_amount > 0), -- what it costs
    from_digits   smallint NOT NULL CHECK (from_digits BETWEEN 0 AND 6),
    to_currency   text     NOT NULL CHECK (to_currency ~ '^[A-Z]{3}$'),
    to_amount     bigint   NOT NULL CHECK (to_amount > 0), -- what that gives: the group's total, or a little more
    to_digits     smallint NOT NULL CHECK (to_digits BETWEEN 0 AND 6),
    rate          text     NOT NULL CHECK (rate ~ '^[0-9]{1,12}(\.[0-9]{1,12})?$'), -- before the margin
    margin_bp     integer  NOT NULL CHECK (margin_bp BETWEEN 0 AND 9999),
    source        text     NOT NULL CHECK (source ~ '^[a-z]{2,20}$'),
    as_of         date     NOT NULL,
    PRIMARY KEY (quote_id, group_number),
    FOREIGN KEY (quote_id, group_number) REFERENCES quote_group (quote_id, number),
    CHECK (from_currency <> to_currency),
    CONSTRAINT quote_exchange_at_rate CHECK (to_amount = div(
        from_amount * rate::numeric * (10000 - margin_bp) * 10::numeric ^ to_digits, 10000 * 10::numeric ^ from_digits))
);
CREATE TRIGGER quote_exchange_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON quote_exchange FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();

-- In which currency it was told besides.
ALTER TABLE quote ADD COLUMN pay_currency text CHECK (pay_currency ~ '^[A-Z]{3}$' AND pay_currency <> currency);

-- The order that an exchange was made to pay.
ALTER TABLE exchange ADD COLUMN order_id uuid REFERENCES orders (id);
CREATE UNIQUE INDEX exchange_order ON exchange (order_id) WHERE order_id IS NOT NULL;
-- What was paid out of the other wallet: all of the quote, or nothing.
ALTER TABLE checkout ADD COLUMN exchanged bigint CHECK (exchanged > 0);

-- +goose Down
ALTER TABLE checkout DROP COLUMN exchanged;
ALTER TABLE exchange DROP COLUMN order_id;
ALTER TABLE quote DROP COLUMN pay_currency;
DROP TABLE quote_exchange;
