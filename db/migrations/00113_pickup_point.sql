-- +goose Up
-- Pickup points as their carriers last told of them, to be shown while one of those is down: docs/shipping.md. A point that has closed is deleted.
CREATE TABLE pickup_point (
    carrier     text             NOT NULL CHECK (carrier ~ '^[A-Z_]{2,30}$'),
    country     text             NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    number      text             NOT NULL CHECK (length(number) BETWEEN 1 AND 40), -- the carrier's
    name        text             NOT NULL,
    lines       text[]           NOT NULL,
    postal_code text             NOT NULL,
    city        text             NOT NULL,
    latitude    double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude   double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    hours       jsonb            NOT NULL,
    seen_at     timestamptz      NOT NULL DEFAULT clock_timestamp(), -- when its carrier told of it last
    PRIMARY KEY (carrier, country, number)
);
CREATE INDEX pickup_point_of_area ON pickup_point (carrier, country, postal_code text_pattern_ops);
CREATE INDEX pickup_point_of_place ON pickup_point (carrier, country, latitude);
CREATE INDEX pickup_point_seen ON pickup_point (seen_at);

-- +goose Down
DROP TABLE pickup_point;
