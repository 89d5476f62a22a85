-- +goose Up
-- The chat of a show. Its row's lock numbers the messages, and puts what moderators do in an order.
CREATE TABLE show_chat (
    show_id     uuid    PRIMARY KEY REFERENCES show (id),
    messages    bigint  NOT NULL DEFAULT 0 CHECK (messages >= 0), -- the newest one's number
    slow_mode   integer NOT NULL DEFAULT 0 CHECK (slow_mode BETWEEN 0 AND 3600), -- seconds between two messages of a person
    words       text[]  NOT NULL DEFAULT '{}' CHECK (cardinality(words) <= 200), -- that are refused, as they were typed
    pinned      uuid
);

CREATE TABLE show_message (
    id              uuid        PRIMARY KEY,
    show_id         uuid        NOT NULL REFERENCES show_chat (show_id),
    number          bigint      NOT NULL CHECK (number > 0), -- in its show, from 1 without a hole
    author_id       uuid        NOT NULL REFERENCES app_user (id),
    body            text        NOT NULL CHECK (length(body) BETWEEN 1 AND 500), -- kept after a deletion, and shown to nobody
    reply_to        uuid        REFERENCES show_message (id),
    mentions        uuid[]      NOT NULL DEFAULT '{}' CHECK (cardinality(mentions) <= 5),
    idempotency_key text        NOT NULL,
    sent_at         timestamptz NOT NULL,
    deleted_at      timestamptz, -- by whom and why is in show_moderation
    UNIQUE (show_id, number),
    UNIQUE (show_id, author_id, idempotency_key)
);
CREATE INDEX show_message_of_author ON show_message (show_id, author_id, number DESC);
-- +goose StatementBegin
CREATE FUNCTION show_message_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a message is deleted once, and otherwise as it was sent' USING ERRCODE = 'SK219';
END $$;
-- +goose StatementEnd
CREATE TRIGGER show_message_refuse_change BEFORE UPDATE ON show_message FOR EACH ROW
    WHEN (to_jsonb(OLD) - 'deleted_at' <> to_jsonb(NEW) - 'deleted_at' OR (OLD.deleted_at IS NOT NULL AND OLD.deleted_at IS DISTINCT FROM NEW.deleted_at))
    EXECUTE FUNCTION show_message_refuse_change();
ALTER TABLE show_chat ADD CONSTRAINT show_chat_pinned_fkey FOREIGN KEY (pinned) REFERENCES show_message (id);

-- What somebody is in a show: who has written in it, or of whom a moderator has decided something.
CREATE TABLE show_member (
    show_id     uuid        NOT NULL REFERENCES show_chat (show_id),
    user_id     uuid        NOT NULL REFERENCES app_user (id),
    handle      text        NOT NULL, -- the name as it is compared: what an @ finds
    since       timestamptz NOT NULL DEFAULT clock_timestamp(),
    moderator   boolean     NOT NULL DEFAULT false,
    muted_until timestamptz,
    banned      boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (show_id, user_id),
    CHECK (NOT (banned AND moderator))
);
CREATE INDEX show_member_handle ON show_member (show_id, handle, since, user_id);

-- What hosts and moderators did, in which order, and why.
CREATE TABLE show_moderation (
    id          uuid        PRIMARY KEY,
    show_id     uuid        NOT NULL REFERENCES show_chat (show_id),
    number      bigint      NOT NULL CHECK (number > 0), -- in its show, from 1
    actor_id    uuid        NOT NULL REFERENCES app_user (id),
    action      text        NOT NULL CHECK (action IN ('APPOINT', 'DISMISS', 'MUTE', 'UNMUTE', 'BAN', 'UNBAN', 'DELETE', 'PIN', 'UNPIN', 'CONFIGURE')),
    user_id     uuid        REFERENCES app_user (id), -- to whom
    message_id  uuid        REFERENCES show_message (id), -- to what
    until       timestamptz,
    slow_mode   integer,
    words       text[],
    reason      text        NOT NULL CHECK (length(reason) <= 1000),
    at          timestamptz NOT NULL,
    UNIQUE (show_id, number),
    CHECK ((action IN ('APPOINT', 'DISMISS', 'MUTE', 'UNMUTE', 'BAN', 'UNBAN')) <= (user_id IS NOT NULL)),
    CHECK ((action IN ('DELETE', 'PIN')) <= (message_id IS NOT NULL)),
    CHECK ((action = 'MUTE') = (until IS NOT NULL)),
    CHECK ((action = 'CONFIGURE') = (slow_mode IS NOT NULL AND words IS NOT NULL))
);
-- +goose StatementBegin
CREATE FUNCTION show_moderation_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what moderators did is append-only' USING ERRCODE = 'SK218';
END $$;
-- +goose StatementEnd
CREATE TRIGGER show_moderation_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON show_moderation
    FOR EACH STATEMENT EXECUTE FUNCTION show_moderation_refuse_change();

-- +goose Down
DROP TABLE show_moderation;
DROP FUNCTION show_moderation_refuse_change();
DROP TABLE show_member;
ALTER TABLE show_chat DROP CONSTRAINT show_chat_pinned_fkey;
DROP TABLE show_message;
DROP FUNCTION show_message_refuse_change();
DROP TABLE show_chat;
