-- +goose Up
-- Where people have things sent: docs/checkout.md.
CREATE TABLE address (
    id          uuid        PRIMARY KEY,
    user_id     uuid        NOT NULL REFERENCES app_user (id),
    name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    line1       text        NOT NULL CHECK (length(line1) BETWEEN 1 AND 100),
    line2       text        NOT NULL CHECK (length(line2) <= 100),
    city        text        NOT NULL CHECK (length(city) BETWEEN 1 AND 60),
    region      text        NOT NULL CHECK (length(region) <= 60),
    postal_code text        NOT NULL CHECK (length(postal_code) <= 20),
    country     text        NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    phone       text        NOT NULL CHECK (phone ~ '^(\+[1-9][0-9]{7,14})?$'),
    is_default  boolean     NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX address_of_user ON address (user_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX address_default ON address (user_id) WHERE is_default;

-- +goose Down
DROP TABLE address;
