-- +goose Up
-- The least step over the price, by currency and price: the row with the greatest from_price not above it.
CREATE TABLE increment (
    currency   text   NOT NULL CHECK (length(currency) = 3),
    from_price bigint NOT NULL CHECK (from_price >= 0),
    step       bigint NOT NULL CHECK (step > 0),
    PRIMARY KEY (currency, from_price)
);
INSERT INTO increment (currency, from_price, step)
SELECT c.currency, s.from_price * c.unit, s.step * c.unit
FROM (VALUES ('EUR', 1), ('USD', 1), ('GBP', 1), ('MAD', 10), ('TND', 30), ('JPY', 1)) AS c (currency, unit),
     (VALUES (0, 100), (5000, 250), (10000, 500), (50000, 1000), (100000, 2500)) AS s (from_price, step);

-- One writer a lot: this row's lock. It hands out the version, and time is read after it is held.
CREATE TABLE auction (
    id           uuid        PRIMARY KEY,
    listing_id   uuid        NOT NULL REFERENCES listing (id),
    seller_id    uuid        NOT NULL REFERENCES app_user (id),
    show_id      uuid        REFERENCES show (id),
    lot_number   integer     CHECK (lot_number > 0),
    currency     text        NOT NULL CHECK (length(currency) = 3),
    start_price  bigint      NOT NULL CHECK (start_price > 0),
    price        bigint      NOT NULL DEFAULT 0, -- 0 until the first bid
    bid_count    integer     NOT NULL DEFAULT 0,
    leader_id    uuid        REFERENCES app_user (id),
    leader_hold  uuid        REFERENCES hold (id) DEFERRABLE INITIALLY DEFERRED, -- the hold is made last
    status       text        NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'SOLD', 'UNSOLD')),
    opened_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    extension    integer     NOT NULL CHECK (extension BETWEEN 0 AND 600), -- seconds, 0: sudden death
    closed_at    timestamptz,
    version      bigint      NOT NULL DEFAULT 0,
    CHECK ((show_id IS NULL) = (lot_number IS NULL)),
    CHECK ((leader_id IS NULL) = (bid_count = 0)),
    CHECK ((status = 'OPEN') = (closed_at IS NULL)),
    CHECK (status <> 'SOLD' OR leader_id IS NOT NULL)
);
CREATE UNIQUE INDEX auction_open_listing ON auction (listing_id) WHERE status = 'OPEN';
CREATE UNIQUE INDEX auction_show_lot ON auction (show_id, lot_number) WHERE show_id IS NOT NULL;
CREATE INDEX auction_due ON auction (ends_at, id) WHERE status = 'OPEN';
CREATE INDEX auction_by_end ON auction (ends_at DESC, id DESC);
CREATE INDEX auction_listing ON auction (listing_id, opened_at DESC);

CREATE TABLE bid (
    id              uuid        PRIMARY KEY,
    auction_id      uuid        NOT NULL REFERENCES auction (id),
    number          integer     NOT NULL CHECK (number > 0),
    version         bigint      NOT NULL,
    bidder_id       uuid        NOT NULL REFERENCES app_user (id),
    amount          bigint      NOT NULL CHECK (amount > 0),
    hold_id         uuid        NOT NULL UNIQUE REFERENCES hold (id) DEFERRABLE INITIALLY DEFERRED,
    idempotency_key text        NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    placed_at       timestamptz NOT NULL,
    UNIQUE (auction_id, number),
    UNIQUE (bidder_id, idempotency_key)
);

-- A bid is evidence: it is written once.
-- +goose StatementBegin
CREATE FUNCTION bid_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'bids are append-only' USING ERRCODE = 'SK401';
END $$;
-- +goose StatementEnd
CREATE TRIGGER bid_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON bid
    FOR EACH STATEMENT EXECUTE FUNCTION bid_refuse_change();

ALTER TABLE orders ADD FOREIGN KEY (auction_id) REFERENCES auction (id);

-- +goose Down
ALTER TABLE orders DROP CONSTRAINT orders_auction_id_fkey;
DROP TABLE bid;
DROP FUNCTION bid_refuse_change();
DROP TABLE auction;
DROP TABLE increment;
