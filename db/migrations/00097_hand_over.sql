-- +goose Up
-- How often a code for what is handed over in person was typed in wrong, and when it was right: docs/shipping.md.
CREATE TABLE hand_over (
    order_id  uuid        PRIMARY KEY REFERENCES orders (id),
    wrong     smallint    NOT NULL DEFAULT 0 CHECK (wrong BETWEEN 0 AND 5),
    handed_at timestamptz
);

-- +goose Down
DROP TABLE hand_over;
