-- +goose Up
-- When a carrier was asked last to register a parcel, so that one which learns of its parcels late is believed only after that: docs/shipping.md.
ALTER TABLE shipment ADD COLUMN called_at timestamptz;

-- +goose Down
ALTER TABLE shipment DROP COLUMN called_at;
