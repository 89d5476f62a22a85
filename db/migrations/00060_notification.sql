-- +goose Up
-- What users are told and find again: docs/notices.md. A row is written by the transaction that causes it.
CREATE TABLE notification (
    id           uuid        PRIMARY KEY,
    recipient_id uuid        NOT NULL REFERENCES app_user (id),
    kind         text        NOT NULL CHECK (kind ~ '^[A-Z_]{3,40}$'),
    subject      text        NOT NULL CHECK (length(subject) BETWEEN 5 AND 64), -- an id of the API
    parameters   jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(parameters) = 'array'),
    dedup_key    text        NOT NULL CHECK (length(dedup_key) BETWEEN 1 AND 200),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    read_at      timestamptz,
    CONSTRAINT notification_once UNIQUE (recipient_id, dedup_key)
);
CREATE INDEX notification_newest ON notification (recipient_id, created_at DESC, id DESC);
CREATE INDEX notification_unread ON notification (recipient_id, created_at, id) WHERE read_at IS NULL;
CREATE INDEX notification_old ON notification (created_at); -- for who prunes

-- A feed that is locked before anything was told in it has the version 0.
ALTER TABLE user_feed DROP CONSTRAINT user_feed_version_check, ADD CONSTRAINT user_feed_version CHECK (version >= 0);

-- +goose Down
DROP TABLE notification;
DELETE FROM user_feed WHERE version = 0;
ALTER TABLE user_feed DROP CONSTRAINT user_feed_version, ADD CONSTRAINT user_feed_version_check CHECK (version > 0);
