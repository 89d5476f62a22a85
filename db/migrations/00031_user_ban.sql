-- +goose Up
-- A user who is banned has no session and gets none. Who did it is in admin_action.
ALTER TABLE app_user
    ADD COLUMN banned_at  timestamptz,
    ADD COLUMN ban_reason text CHECK (length(ban_reason) BETWEEN 1 AND 1000),
    ADD CONSTRAINT app_user_ban CHECK ((banned_at IS NULL) = (ban_reason IS NULL));

-- +goose Down
ALTER TABLE app_user DROP COLUMN banned_at, DROP COLUMN ban_reason;
