-- +goose Up
-- Who deletes a listing asks what was ever ordered or quoted of it.
CREATE INDEX order_line_listing ON order_line (listing_id);
CREATE INDEX order_line_variant ON order_line (variant_id) WHERE variant_id IS NOT NULL;
CREATE INDEX quote_group_listing ON quote_group (listing_id);
CREATE INDEX quote_line_listing ON quote_line (listing_id);
CREATE INDEX quote_line_variant ON quote_line (variant_id);

-- +goose Down
DROP INDEX quote_line_variant, quote_line_listing, quote_group_listing, order_line_variant, order_line_listing;
