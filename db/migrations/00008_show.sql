-- +goose Up
CREATE TABLE show (
    id         uuid        PRIMARY KEY,
    host_id    uuid        NOT NULL REFERENCES app_user (id),
    title      text        NOT NULL CHECK (length(title) BETWEEN 3 AND 140),
    status     text        NOT NULL DEFAULT 'SCHEDULED' CHECK (status IN ('SCHEDULED', 'LIVE', 'ENDED')),
    starts_at  timestamptz NOT NULL,
    started_at timestamptz,
    lots       integer     NOT NULL DEFAULT 0, -- how many lots were added; the row's lock numbers them
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX show_by_start ON show (starts_at DESC, id DESC);

-- +goose Down
DROP TABLE show;
