-- +goose Up
-- An order that is owed has a time by which it is to be paid. A lot has one order at a time that is not cancelled.
ALTER TABLE orders
    ADD COLUMN pay_by timestamptz,
    DROP CONSTRAINT orders_auction_id_key;
UPDATE orders SET pay_by = clock_timestamp() + interval '24 hours' WHERE payment = 'PENDING' AND fulfilment = 'PENDING';
CREATE UNIQUE INDEX orders_auction_live ON orders (auction_id) WHERE fulfilment <> 'CANCELLED';
CREATE INDEX orders_auction ON orders (auction_id, id);
CREATE INDEX orders_pay_by ON orders (pay_by, id) WHERE payment = 'PENDING' AND fulfilment = 'PENDING';

-- A lot whose winner did not pay is offered to those who bid less, one after the other. The lot's lock decides between
-- accepting, declining and expiring.
CREATE TABLE second_chance (
    id          uuid        PRIMARY KEY,
    auction_id  uuid        NOT NULL REFERENCES auction (id),
    rank        smallint    NOT NULL CHECK (rank BETWEEN 1 AND 3),
    bidder_id   uuid        NOT NULL REFERENCES app_user (id),
    bid_id      uuid        NOT NULL UNIQUE REFERENCES bid (id), -- their highest; what they would pay is its amount
    amount      bigint      NOT NULL CHECK (amount > 0),
    currency    text        NOT NULL CHECK (length(currency) = 3),
    status      text        NOT NULL DEFAULT 'OFFERED' CHECK (status IN ('OFFERED', 'ACCEPTED', 'DECLINED', 'EXPIRED')),
    order_id    uuid        UNIQUE REFERENCES orders (id),
    offered_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL CHECK (expires_at > offered_at),
    resolved_at timestamptz,
    UNIQUE (auction_id, rank),
    UNIQUE (auction_id, bidder_id),
    CHECK ((status = 'OFFERED') = (resolved_at IS NULL)),
    CHECK ((status = 'ACCEPTED') = (order_id IS NOT NULL))
);
CREATE UNIQUE INDEX second_chance_open ON second_chance (auction_id) WHERE status = 'OFFERED';
CREATE INDEX second_chance_due ON second_chance (expires_at, id) WHERE status = 'OFFERED';
CREATE INDEX second_chance_bidder ON second_chance (bidder_id, offered_at DESC, id DESC);

-- +goose StatementBegin
CREATE FUNCTION second_chance_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'OFFERED'
       OR (NEW.id, NEW.auction_id, NEW.rank, NEW.bidder_id, NEW.bid_id, NEW.amount, NEW.currency, NEW.offered_at, NEW.expires_at)
           IS DISTINCT FROM (OLD.id, OLD.auction_id, OLD.rank, OLD.bidder_id, OLD.bid_id, OLD.amount, OLD.currency, OLD.offered_at, OLD.expires_at)
    THEN
        RAISE EXCEPTION 'a second chance is answered once, and nothing else of it changes' USING ERRCODE = 'SK301';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER second_chance_guard BEFORE UPDATE OR DELETE ON second_chance
    FOR EACH ROW EXECUTE FUNCTION second_chance_guard();

-- +goose Down
DROP TABLE second_chance;
DROP FUNCTION second_chance_guard();
DROP INDEX orders_auction_live, orders_auction, orders_pay_by;
ALTER TABLE orders DROP COLUMN pay_by, ADD CONSTRAINT orders_auction_id_key UNIQUE (auction_id);
