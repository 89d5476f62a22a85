-- +goose Up
-- Prices that a buyer and a seller agree on: docs/offers.md. What they said stays when a listing is deleted: nothing of it refers to listings by a key.

-- Whether a listing takes offers, where its seller has said so; else a one-off does, and a product does not.
CREATE TABLE listing_offers (
    listing_id uuid        PRIMARY KEY REFERENCES listing (id) ON DELETE CASCADE,
    takes      boolean     NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Every move that is allowed, and whose it is; the trigger below holds whoever writes to it, whatever the code believes.
CREATE TABLE price_offer_move (
    from_status text NOT NULL,
    to_status   text NOT NULL,
    moved_by    text NOT NULL,
    PRIMARY KEY (from_status, to_status, moved_by)
);
INSERT INTO price_offer_move VALUES
    ('OPEN', 'COUNTERED', 'SELLER'), ('OPEN', 'ACCEPTED', 'SELLER'), ('OPEN', 'DECLINED', 'SELLER'), ('OPEN', 'WITHDRAWN', 'BUYER'), ('OPEN', 'EXPIRED', 'TIME'),
    ('COUNTERED', 'OPEN', 'BUYER'), ('COUNTERED', 'ACCEPTED', 'BUYER'), ('COUNTERED', 'WITHDRAWN', 'BUYER'), ('COUNTERED', 'EXPIRED', 'TIME'),
    ('ACCEPTED', 'USED', 'BUYER'), ('ACCEPTED', 'WITHDRAWN', 'BUYER'), ('ACCEPTED', 'EXPIRED', 'TIME');
-- +goose StatementBegin
CREATE FUNCTION price_offer_move_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RAISE EXCEPTION 'the moves of an offer are changed by a migration only' USING ERRCODE = 'SK470';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER price_offer_move_refuse_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON price_offer_move
    FOR EACH STATEMENT EXECUTE FUNCTION price_offer_move_refuse_change();

-- One negotiation of a buyer about so many of a variant.
CREATE TABLE price_offer (
    id             uuid        PRIMARY KEY,
    buyer_id       uuid        NOT NULL REFERENCES app_user (id),
    seller_id      uuid        NOT NULL REFERENCES app_user (id),
    listing_id     uuid        NOT NULL,
    variant_id     uuid        NOT NULL,
    title          text        NOT NULL, -- the listing's, as it was
    quantity       integer     NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    currency       text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    unit_price     bigint      NOT NULL CHECK (unit_price > 0), -- of one: what is on the table
    status         text        NOT NULL,
    moved_by       text        NOT NULL CHECK (moved_by IN ('BUYER', 'SELLER', 'TIME')),
    version        integer     NOT NULL, -- counts the moves
    expires_at     timestamptz NOT NULL, -- until when it is answered, and checked out once it is accepted
    quoted_until   timestamptz, -- a quote that was made in time binds its own time
    ends_at        timestamptz NOT NULL GENERATED ALWAYS AS (greatest(expires_at, quoted_until)) STORED,
    reservation_id uuid        REFERENCES reservation (id), -- of its last quote
    order_id       uuid        CONSTRAINT price_offer_order UNIQUE REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (buyer_id <> seller_id),
    CONSTRAINT price_offer_names CHECK (version <= 10 OR status NOT IN ('OPEN', 'COUNTERED')), -- as many prices are named
    CHECK ((status = 'USED') = (order_id IS NOT NULL)),
    CHECK ((quoted_until IS NULL) = (reservation_id IS NULL))
);
CREATE UNIQUE INDEX price_offer_live ON price_offer (buyer_id, listing_id) WHERE status IN ('OPEN', 'COUNTERED', 'ACCEPTED');
CREATE INDEX price_offer_due ON price_offer (ends_at) WHERE status IN ('OPEN', 'COUNTERED', 'ACCEPTED');
CREATE INDEX price_offer_of_buyer ON price_offer (buyer_id, created_at DESC, id DESC);
CREATE INDEX price_offer_of_seller ON price_offer (seller_id, created_at DESC, id DESC);

-- Each price that was named, and what became of it.
CREATE TABLE price_offer_step (
    offer_id   uuid        NOT NULL REFERENCES price_offer (id),
    number     integer     NOT NULL,
    status     text        NOT NULL,
    moved_by   text        NOT NULL,
    unit_price bigint      NOT NULL,
    moved_at   timestamptz NOT NULL,
    PRIMARY KEY (offer_id, number)
);
CREATE TRIGGER price_offer_step_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON price_offer_step
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose StatementBegin
CREATE FUNCTION price_offer_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an offer is never deleted' USING ERRCODE = 'SK471';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF (NEW.status, NEW.moved_by, NEW.version) <> ('OPEN', 'BUYER', 1) OR NEW.quoted_until IS NOT NULL THEN
            RAISE EXCEPTION 'an offer begins with its buyer''s price' USING ERRCODE = 'SK471';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.buyer_id, NEW.seller_id, NEW.listing_id, NEW.variant_id, NEW.title, NEW.quantity, NEW.currency, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.buyer_id, OLD.seller_id, OLD.listing_id, OLD.variant_id, OLD.title, OLD.quantity, OLD.currency, OLD.created_at)
    THEN
        RAISE EXCEPTION 'what an offer is about is fixed' USING ERRCODE = 'SK471';
    END IF;
    IF NEW.quoted_until < OLD.quoted_until OR NEW.quoted_until IS NULL AND OLD.quoted_until IS NOT NULL THEN
        RAISE EXCEPTION 'what was quoted binds its time' USING ERRCODE = 'SK471';
    END IF;
    IF (NEW.status, NEW.version) = (OLD.status, OLD.version) THEN -- it was quoted
        IF NEW.status <> 'ACCEPTED' OR (NEW.unit_price, NEW.moved_by, NEW.expires_at, NEW.changed_at) IS DISTINCT FROM (OLD.unit_price, OLD.moved_by, OLD.expires_at, OLD.changed_at) THEN
            RAISE EXCEPTION 'an offer changes by its moves' USING ERRCODE = 'SK471';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.version <> OLD.version + 1
        OR NOT EXISTS (SELECT FROM price_offer_move WHERE from_status = OLD.status AND to_status = NEW.status AND moved_by = NEW.moved_by)
        OR NEW.unit_price <> OLD.unit_price AND NEW.status NOT IN ('OPEN', 'COUNTERED')
        OR NEW.status = 'EXPIRED' AND OLD.ends_at > clock_timestamp()
    THEN
        RAISE EXCEPTION 'an offer cannot move from % (%) to % (%) by %', OLD.status, OLD.version, NEW.status, NEW.version, NEW.moved_by USING ERRCODE = 'SK471';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER price_offer_guard BEFORE INSERT OR UPDATE OR DELETE ON price_offer FOR EACH ROW EXECUTE FUNCTION price_offer_guard();
CREATE TRIGGER price_offer_never_emptied BEFORE TRUNCATE ON price_offer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose StatementBegin
CREATE FUNCTION price_offer_moved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO price_offer_step (offer_id, number, status, moved_by, unit_price, moved_at)
    VALUES (NEW.id, NEW.version, NEW.status, NEW.moved_by, NEW.unit_price, NEW.changed_at);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER price_offer_made AFTER INSERT ON price_offer FOR EACH ROW EXECUTE FUNCTION price_offer_moved();
CREATE TRIGGER price_offer_moved AFTER UPDATE ON price_offer FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION price_offer_moved();

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM price_offer) THEN
        RAISE EXCEPTION 'offers were made: the record of it is never deleted';
    END IF;
END $$;
-- +goose StatementEnd
DROP TABLE price_offer_step, price_offer, price_offer_move, listing_offers;
DROP FUNCTION price_offer_moved(), price_offer_guard(), price_offer_move_refuse_change();
