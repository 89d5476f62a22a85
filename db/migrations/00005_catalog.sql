-- +goose Up
-- A photo is announced (PENDING), then its bytes arrive at the signed URL and are checked (STORED).
CREATE TABLE photo (
    id           uuid        PRIMARY KEY,
    owner_id     uuid        NOT NULL REFERENCES app_user (id),
    content_type text        NOT NULL CHECK (content_type IN ('image/jpeg', 'image/png')),
    bytes        bigint      NOT NULL CHECK (bytes BETWEEN 1 AND 8388608),
    width        integer     NOT NULL DEFAULT 0,
    height       integer     NOT NULL DEFAULT 0,
    status       text        NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'STORED')),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE listing (
    id          uuid        PRIMARY KEY,
    seller_id   uuid        NOT NULL REFERENCES app_user (id),
    kind        text        NOT NULL CHECK (kind IN ('ONE_OFF')),
    title       text        NOT NULL CHECK (length(title) BETWEEN 3 AND 140),
    description text        NOT NULL CHECK (length(description) <= 5000),
    condition   text        NOT NULL CHECK (condition IN ('NEW', 'LIKE_NEW', 'GOOD', 'FAIR')),
    price       bigint      CHECK (price > 0),
    currency    text        CHECK (length(currency) = 3),
    status      text        NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'RESERVED', 'SOLD')),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((price IS NULL) = (currency IS NULL)) -- without a price it is sold by auction only
);
CREATE INDEX listing_newest ON listing (created_at DESC, id DESC);
CREATE INDEX listing_seller ON listing (seller_id, created_at DESC, id DESC);

-- A photo shows one listing only.
CREATE TABLE listing_photo (
    listing_id uuid     NOT NULL REFERENCES listing (id),
    position   smallint NOT NULL CHECK (position BETWEEN 1 AND 5),
    photo_id   uuid     NOT NULL UNIQUE REFERENCES photo (id),
    PRIMARY KEY (listing_id, position)
);

-- +goose Down
DROP TABLE listing_photo;
DROP TABLE listing;
DROP TABLE photo;
