-- +goose Up
-- A movement of our balance at a payment provider, by the provider's own record of it, and the entry that
-- booked it. Every posting on psp_clearing comes from such rows; reconciliation compares them with the provider's.
CREATE TABLE provider_txn (
    provider  text        NOT NULL CHECK (provider ~ '^[a-z]{2,20}$'),
    id        text        NOT NULL CHECK (length(id) BETWEEN 1 AND 255), -- the provider's balance transaction
    kind      text        NOT NULL CHECK (kind IN ('CHARGE', 'REFUND', 'REFUND_FAILURE', 'CHARGEBACK', 'CHARGEBACK_REVERSAL')),
    currency  text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    gross     bigint      NOT NULL,
    fee       bigint      NOT NULL CHECK (fee >= 0),
    entry_key text        NOT NULL CHECK (length(entry_key) BETWEEN 1 AND 200),
    booked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (provider, id)
);
CREATE INDEX provider_txn_entry ON provider_txn (entry_key);

-- What the provider has recorded is never taken back.
-- +goose StatementBegin
CREATE FUNCTION provider_txn_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the provider''s records are append-only' USING ERRCODE = 'SK202';
END $$;
-- +goose StatementEnd
CREATE TRIGGER provider_txn_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON provider_txn
    FOR EACH STATEMENT EXECUTE FUNCTION provider_txn_refuse_change();

INSERT INTO provider_txn (provider, id, kind, currency, gross, fee, entry_key, booked_at)
SELECT 'stripe', balance_txn_id, 'CHARGE', currency, amount, fee, 'topup:' || id || ':credit', resolved_at
FROM top_up WHERE status = 'SUCCEEDED';

-- +goose Down
DROP TABLE provider_txn;
DROP FUNCTION provider_txn_refuse_change();
