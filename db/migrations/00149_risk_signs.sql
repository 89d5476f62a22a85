-- What is looked at before money moves, beyond a quote: the payment of an order or of a reservation, the card behind a saved card, the device. See docs/risk.md.

-- +goose Up
ALTER TABLE card ADD COLUMN fingerprint text CHECK (length(fingerprint) BETWEEN 1 AND 255); -- the provider's name of the card itself; null where it has not told
CREATE INDEX card_of_fingerprint ON card (fingerprint, id) WHERE fingerprint IS NOT NULL;

ALTER TABLE risk_check
    ALTER COLUMN quote_id DROP NOT NULL,
    ADD COLUMN order_id       uuid REFERENCES orders (id),
    ADD COLUMN reservation_id uuid REFERENCES reservation (id),
    ADD COLUMN fingerprint    text,  -- of the card that is to pay
    ADD COLUMN device         bytea, -- a hash of what the client calls its device
    ADD CONSTRAINT risk_check_of_one CHECK (num_nonnulls(quote_id, order_id, reservation_id) = 1);
CREATE INDEX risk_check_of_fingerprint ON risk_check (fingerprint, checked_at) WHERE fingerprint IS NOT NULL;
CREATE INDEX risk_check_of_device ON risk_check (device, checked_at) WHERE device IS NOT NULL;

-- +goose Down
ALTER TABLE risk_check DISABLE TRIGGER risk_check_refuse;
DELETE FROM risk_check WHERE quote_id IS NULL;
ALTER TABLE risk_check ENABLE TRIGGER risk_check_refuse;
ALTER TABLE risk_check DROP CONSTRAINT risk_check_of_one, DROP COLUMN order_id, DROP COLUMN reservation_id, DROP COLUMN fingerprint, DROP COLUMN device, ALTER COLUMN quote_id SET NOT NULL;
ALTER TABLE card DROP COLUMN fingerprint;
