-- +goose Up
-- One conversation for each buyer and listing. Its row's lock hands out versions: a message's version is its
-- place in the conversation.
CREATE TABLE conversation (
    id         uuid        PRIMARY KEY,
    listing_id uuid        NOT NULL REFERENCES listing (id),
    buyer_id   uuid        NOT NULL REFERENCES app_user (id),
    seller_id  uuid        NOT NULL REFERENCES app_user (id),
    version    bigint      NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    active_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (listing_id, buyer_id),
    CHECK (buyer_id <> seller_id)
);
CREATE INDEX conversation_buyer ON conversation (buyer_id, active_at DESC, id DESC);
CREATE INDEX conversation_seller ON conversation (seller_id, active_at DESC, id DESC);

CREATE TABLE message (
    id              uuid        PRIMARY KEY,
    conversation_id uuid        NOT NULL REFERENCES conversation (id),
    version         bigint      NOT NULL,
    sender_id       uuid        NOT NULL REFERENCES app_user (id),
    body            text        NOT NULL CHECK (length(body) BETWEEN 1 AND 2000),
    sent_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (conversation_id, version)
);

-- +goose Down
DROP TABLE message;
DROP TABLE conversation;
