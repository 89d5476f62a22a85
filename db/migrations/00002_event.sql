-- +goose Up
-- One row for each change of a topic (an auction, an order, a conversation). The version is handed out
-- by the topic's own row, under its lock, so that commit order is version order without a hole.
-- The payload is json, not jsonb: it is replayed byte for byte as it was published, never searched.
-- Whoever prunes leaves each topic's newest event in place: it is the topic's tail.
CREATE TABLE event (
    topic   text        NOT NULL CHECK (length(topic) BETWEEN 3 AND 80),
    version bigint      NOT NULL CHECK (version > 0),
    kind    text        NOT NULL,
    payload json        NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, version)
);

-- The epoch changes when the database is made anew, so that a cursor of an older one is recognised.
-- After a restore or a fail-over that lost commits: UPDATE epoch SET id = gen_random_uuid().
CREATE TABLE epoch (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id       uuid        NOT NULL DEFAULT gen_random_uuid(),
    made_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO epoch DEFAULT VALUES;

-- +goose Down
DROP TABLE epoch;
DROP TABLE event;
