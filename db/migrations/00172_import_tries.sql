-- +goose Up
-- How often work at an import has failed since its file came: docs/listing-files.md.
ALTER TABLE listing_import ADD COLUMN tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0);

-- +goose Down
ALTER TABLE listing_import DROP COLUMN tries;
