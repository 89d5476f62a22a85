-- Labels for goods that go back, and labels that their carrier takes back: docs/shipping.md.

-- +goose Up
ALTER TABLE shipment
    ADD COLUMN claim_id        uuid REFERENCES order_claim (id), -- by which goods go back, from the buyer to the seller; null for what is sent to the buyer
    ADD COLUMN recall          text CHECK (recall IN ('PENDING', 'TAKEN_BACK', 'REFUSED', 'NOT_POSSIBLE')), -- of a label that was given up
    ADD COLUMN recall_at       timestamptz, -- when its carrier is asked (again) to take it back; null once that is decided
    ADD COLUMN recall_attempts integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT shipment_recall CHECK (recall IS NULL OR status = 'FAILED'),
    ADD CONSTRAINT shipment_recall_at CHECK ((recall_at IS NOT NULL) = (recall IS NOT DISTINCT FROM 'PENDING'));
DROP INDEX shipment_live;
CREATE UNIQUE INDEX shipment_live ON shipment (order_id, coalesce(location_id, '00000000-0000-0000-0000-000000000000')) WHERE status <> 'FAILED' AND claim_id IS NULL;
-- One parcel at a time for what goes back: no label is bought twice.
CREATE UNIQUE INDEX shipment_return ON shipment (claim_id) WHERE status <> 'FAILED' AND claim_id IS NOT NULL;
CREATE INDEX shipment_to_recall ON shipment (recall_at, id) WHERE recall_at IS NOT NULL;

-- +goose Down
DROP INDEX shipment_live;
DELETE FROM shipment WHERE claim_id IS NOT NULL;
ALTER TABLE shipment DROP COLUMN claim_id, DROP COLUMN recall, DROP COLUMN recall_at, DROP COLUMN recall_attempts;
CREATE UNIQUE INDEX shipment_live ON shipment (order_id, coalesce(location_id, '00000000-0000-0000-0000-000000000000')) WHERE status <> 'FAILED';
