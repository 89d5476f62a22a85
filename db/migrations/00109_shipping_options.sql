-- +goose Up
-- How sellers bring what they sell, and how each parcel of a quote is brought: docs/shipping.md, "In the quote".
CREATE TABLE shipping_profile (
    seller_id  uuid        PRIMARY KEY REFERENCES app_user (id),
    grams      integer     NOT NULL CHECK (grams BETWEEN 1 AND 1000000), -- of a thing of which nothing else is said
    offers     jsonb       NOT NULL CHECK (jsonb_typeof(offers) = 'array'),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

ALTER TABLE variant ADD COLUMN grams integer CHECK (grams BETWEEN 1 AND 1000000); -- what one weighs as it is sent; null: as its seller's profile says

ALTER TABLE quote_group
    ADD COLUMN in_person boolean NOT NULL DEFAULT false, -- it is handed over, and sent nowhere
    ADD COLUMN parcels   jsonb CHECK (jsonb_typeof(parcels) = 'array'); -- what could be chosen of, and what was; null where its seller has not said how they send

-- +goose Down
ALTER TABLE quote_group DROP COLUMN parcels, DROP COLUMN in_person;
ALTER TABLE variant DROP COLUMN grams;
DROP TABLE shipping_profile;
