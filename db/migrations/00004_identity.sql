-- +goose Up
CREATE TABLE app_user (
    id            uuid        PRIMARY KEY,
    email         text        NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    name          text        NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    role          text        NOT NULL CHECK (role IN ('BUYER', 'SELLER', 'SUPPORT', 'ADMIN')),
    password_hash text        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX app_user_email_key ON app_user (lower(email));

-- A session is known by the SHA-256 of its token: who reads this table can't sign in with it.
CREATE TABLE session (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES app_user (id),
    token_hash bytea       NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX session_user_id ON session (user_id);

-- +goose Down
DROP TABLE session;
DROP TABLE app_user;
