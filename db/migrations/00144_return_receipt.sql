-- What comes back is answered once under its key, refund or not, and labels whose buyer bears them are paid for: docs/order-life.md#returns.

-- +goose Up
CREATE TABLE order_return_receipt (
    user_id         uuid        NOT NULL REFERENCES app_user (id), -- who received it
    idempotency_key text        NOT NULL,
    claim_id        uuid        NOT NULL REFERENCES order_claim (id),
    request_hash    bytea       NOT NULL,
    received_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, idempotency_key)
);
CREATE INDEX order_return_receipt_of_claim ON order_return_receipt (claim_id);
CREATE TRIGGER order_return_receipt_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON order_return_receipt FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();

-- Whose buyers are to pay for the way back out of their wallets.
CREATE INDEX order_claim_way ON order_claim (ended_at, id) WHERE bearer = 'BUYER' AND carried_at IS NOT NULL AND label_cost IS NULL AND ended_at IS NOT NULL;

-- +goose Down
DROP INDEX order_claim_way;
DROP TABLE order_return_receipt;
