-- +goose Up
-- A user as the payment provider knows them. The row is there before the provider is asked, so that two
-- requests at once ask with one key; customer_id follows with the answer.
CREATE TABLE provider_customer (
    user_id     uuid        NOT NULL REFERENCES app_user (id),
    provider    text        NOT NULL CHECK (provider ~ '^[a-z]{2,20}$'),
    customer_id text        CHECK (length(customer_id) BETWEEN 1 AND 255),
    attempt     integer     NOT NULL DEFAULT 1 CHECK (attempt > 0), -- of the provider's idempotency key
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, provider),
    UNIQUE (provider, customer_id)
);

-- A saved card: the provider's id of it and what may be shown. Its number never comes here.
-- A removed card stays, because top-ups name it.
CREATE TABLE card (
    id          uuid        PRIMARY KEY,
    user_id     uuid        NOT NULL REFERENCES app_user (id),
    provider    text        NOT NULL CHECK (provider ~ '^[a-z]{2,20}$'),
    method_id   text        NOT NULL CHECK (length(method_id) BETWEEN 1 AND 255),
    brand       text        NOT NULL CHECK (length(brand) BETWEEN 1 AND 40),
    last4       text        NOT NULL CHECK (last4 ~ '^[0-9]{4}$'),
    exp_month   smallint    NOT NULL CHECK (exp_month BETWEEN 1 AND 12),
    exp_year    smallint    NOT NULL CHECK (exp_year BETWEEN 1970 AND 9999),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_at  timestamptz,
    detached_at timestamptz, -- at the provider
    UNIQUE (provider, method_id),
    CHECK (detached_at IS NULL OR removed_at IS NOT NULL)
);
CREATE INDEX card_of_user ON card (user_id, created_at DESC, id DESC) WHERE removed_at IS NULL;
CREATE INDEX card_to_detach ON card (id) WHERE removed_at IS NOT NULL AND detached_at IS NULL;

-- The way to a saved card: the provider's SetupIntent, which may have to ask the card's holder.
CREATE TABLE card_setup (
    id              uuid        PRIMARY KEY,
    user_id         uuid        NOT NULL REFERENCES app_user (id),
    payment_method  text        CHECK (length(payment_method) BETWEEN 1 AND 255), -- NULL: the client gives it to the provider
    status          text        NOT NULL DEFAULT 'PROCESSING'
                    CHECK (status IN ('PROCESSING', 'REQUIRES_ACTION', 'SUCCEEDED', 'FAILED')),
    attempt         integer     NOT NULL DEFAULT 1 CHECK (attempt > 0),
    provider_id     text        UNIQUE,
    next_action_url text,
    card_id         uuid        REFERENCES card (id),
    failure_code    text,
    decline_code    text,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    resolved_at     timestamptz,
    CHECK ((status IN ('SUCCEEDED', 'FAILED')) = (resolved_at IS NOT NULL)),
    CHECK ((status = 'SUCCEEDED') = (card_id IS NOT NULL)),
    CHECK ((status = 'FAILED') = (failure_code IS NOT NULL))
);
CREATE INDEX card_setup_open ON card_setup (id) WHERE status IN ('PROCESSING', 'REQUIRES_ACTION');

ALTER TABLE top_up
    ADD COLUMN card_id         uuid REFERENCES card (id), -- NULL: paid by a method that is not saved
    ADD COLUMN next_action_url text;                      -- where the card's holder authenticates

-- What the provider told us, by webhook or in its list of events. The object that an event names is
-- fetched afresh, so the payload is not kept.
CREATE TABLE provider_event (
    id          text        PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    provider    text        NOT NULL CHECK (provider ~ '^[a-z]{2,20}$'),
    kind        text        NOT NULL CHECK (length(kind) BETWEEN 1 AND 255),
    object_id   text        NOT NULL CHECK (length(object_id) <= 255),
    created_at  timestamptz NOT NULL, -- by the provider's clock
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    status      text        NOT NULL CHECK (status IN ('RECEIVED', 'DONE', 'IGNORED', 'FAILED')),
    attempts    integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error       text -- why it was ignored, or what went wrong last
);
CREATE INDEX provider_event_open ON provider_event (received_at) WHERE status IN ('RECEIVED', 'FAILED');
CREATE INDEX provider_event_object ON provider_event (object_id);

-- How far the provider's list of events has been read.
CREATE TABLE provider_cursor (
    provider text        PRIMARY KEY,
    read_to  timestamptz NOT NULL -- by the provider's clock
);

-- Hands out the versions of what a user is told (topic user:<id>).
CREATE TABLE user_feed (
    user_id uuid   PRIMARY KEY REFERENCES app_user (id),
    version bigint NOT NULL CHECK (version > 0)
);

-- +goose Down
DROP TABLE user_feed;
DROP TABLE provider_cursor;
DROP TABLE provider_event;
ALTER TABLE top_up DROP COLUMN next_action_url, DROP COLUMN card_id;
DROP TABLE card_setup;
DROP TABLE card;
DROP TABLE provider_customer;
