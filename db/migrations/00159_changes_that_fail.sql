-- +goose Up
-- Changes that fail. Who holds one up that always fails holds up no other: it is tried again at next_try_at, and never once it is set aside, until somebody clears these columns.
ALTER TABLE want_change
    ADD COLUMN failures     integer     NOT NULL DEFAULT 0 CHECK (failures >= 0),
    ADD COLUMN failure      text,
    ADD COLUMN next_try_at  timestamptz,
    ADD COLUMN set_aside_at timestamptz;
ALTER TABLE wish_change
    ADD COLUMN failures     integer     NOT NULL DEFAULT 0 CHECK (failures >= 0),
    ADD COLUMN failure      text,
    ADD COLUMN next_try_at  timestamptz,
    ADD COLUMN set_aside_at timestamptz;
ALTER TABLE saved_search_change
    ADD COLUMN failures     integer     NOT NULL DEFAULT 0 CHECK (failures >= 0),
    ADD COLUMN failure      text,
    ADD COLUMN next_try_at  timestamptz,
    ADD COLUMN set_aside_at timestamptz;

-- +goose Down
ALTER TABLE want_change DROP COLUMN failures, DROP COLUMN failure, DROP COLUMN next_try_at, DROP COLUMN set_aside_at;
ALTER TABLE wish_change DROP COLUMN failures, DROP COLUMN failure, DROP COLUMN next_try_at, DROP COLUMN set_aside_at;
ALTER TABLE saved_search_change DROP COLUMN failures, DROP COLUMN failure, DROP COLUMN next_try_at, DROP COLUMN set_aside_at;
