-- +goose Up
-- Servers look twice a second for the sessions that have just ended, to end what they hold.
CREATE INDEX session_revoked ON session (revoked_at) WHERE revoked_at IS NOT NULL;

-- +goose Down
DROP INDEX session_revoked;
