-- How far a buyer is trusted with paying: docs/risk.md. Who has no row is NORMAL.

-- +goose Up
CREATE TABLE risk_tier (
    user_id uuid        PRIMARY KEY REFERENCES app_user (id),
    tier    text        NOT NULL CHECK (tier IN ('NORMAL', 'WARNING', 'AT_RISK', 'RESTRICTED')),
    reason  text        NOT NULL,
    set_by  uuid        NOT NULL REFERENCES app_user (id),
    set_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- +goose Down
DROP TABLE risk_tier;
