-- What was looked at before a checkout's money moved, and what followed: docs/risk.md.

-- +goose Up
CREATE TABLE risk_check (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES app_user (id),
    quote_id   uuid        NOT NULL REFERENCES quote (id),
    card_id    uuid        REFERENCES card (id),
    place      bytea, -- a hash of where it is sent; null where nothing is
    client     inet,  -- whom it came from: of IPv6 the /64
    verdict    text        NOT NULL CHECK (verdict IN ('ALLOW', 'REVIEW', 'REFUSE')),
    rules      text[]      NOT NULL, -- why; empty where nothing stood against it
    checked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((verdict = 'ALLOW') = (rules = '{}'))
);
CREATE INDEX risk_check_of_user ON risk_check (user_id, checked_at);
CREATE INDEX risk_check_of_place ON risk_check (place, checked_at) WHERE place IS NOT NULL;
CREATE INDEX risk_check_of_client ON risk_check (client, checked_at) WHERE client IS NOT NULL;
CREATE INDEX risk_check_found ON risk_check (checked_at) WHERE verdict <> 'ALLOW';
CREATE TRIGGER risk_check_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON risk_check FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();

-- +goose Down
DROP TABLE risk_check;
