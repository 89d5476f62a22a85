-- +goose Up
-- What carriers tell of parcels by webhooks, once each: docs/shipping.md. It says which parcel to ask about; what became of that is asked for.
CREATE TABLE carrier_news (
    carrier     text        NOT NULL CHECK (carrier ~ '^[A-Z_]{2,30}$'),
    id          text        NOT NULL CHECK (length(id) BETWEEN 1 AND 255), -- by which a repetition is known
    number      text        NOT NULL CHECK (length(number) BETWEEN 1 AND 64), -- the parcel's
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    status      text        NOT NULL DEFAULT 'RECEIVED' CHECK (status IN ('RECEIVED', 'DONE', 'IGNORED')),
    note        text        NOT NULL DEFAULT '', -- why it was ignored
    PRIMARY KEY (carrier, id, number)
);
CREATE INDEX carrier_news_open ON carrier_news (received_at) WHERE status = 'RECEIVED';
CREATE INDEX carrier_news_received ON carrier_news (received_at);

-- +goose Down
DROP TABLE carrier_news;
