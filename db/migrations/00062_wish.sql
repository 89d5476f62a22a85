-- +goose Up
-- What people wish for and wait for, and what has changed of it that they are still to be told: docs/wishes.md.

-- Whether somebody may see a listing that is another's; null for who is not signed in.
CREATE FUNCTION listing_offered_to(p_listing uuid, p_user uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM offered_listing l
        WHERE l.id = p_listing
          AND (l.minimum_tier IS NULL OR tier_rank(l.minimum_tier) <= (SELECT tier_rank(u.tier) FROM app_user u WHERE u.id = p_user)))
$$;

CREATE TABLE wish (
    user_id           uuid        NOT NULL REFERENCES app_user (id),
    listing_id        uuid        NOT NULL REFERENCES listing (id),
    price             bigint,     -- when it was wished for, or what its user was told last; below it is news
    currency          text        CHECK (length(currency) = 3),
    available_told_at timestamptz, -- when its user was told last that there is some again
    wished_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, listing_id),
    CHECK ((price IS NULL) = (currency IS NULL))
);
CREATE INDEX wish_newest ON wish (user_id, wished_at DESC, listing_id DESC);
CREATE INDEX wish_by_listing ON wish (listing_id, user_id);

-- Who wants to be told, once, when there is some of a variant.
CREATE TABLE availability_wait (
    user_id    uuid        NOT NULL REFERENCES app_user (id),
    variant_id uuid        NOT NULL REFERENCES variant (id),
    since      timestamptz NOT NULL DEFAULT clock_timestamp(),
    told_at    timestamptz,
    PRIMARY KEY (user_id, variant_id)
);
CREATE INDEX availability_wait_newest ON availability_wait (user_id, since DESC, variant_id DESC) WHERE told_at IS NULL;
CREATE INDEX availability_wait_by_variant ON availability_wait (variant_id, user_id) WHERE told_at IS NULL;

-- What has changed, and how far that was told: written in the transaction that changes it, deleted by the one that tells the last of them.
CREATE TABLE wish_change (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    listing_id uuid        NOT NULL,
    variant_id uuid,       -- of which there is some again; null where the listing's price may have dropped
    told_up_to uuid,       -- users are told in the order of their ids
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX wish_change_of_variant ON wish_change (variant_id, id) WHERE variant_id IS NOT NULL;
CREATE INDEX wish_change_of_listing ON wish_change (listing_id, id) WHERE variant_id IS NULL;

-- Who begins to wish locks the listing, so that of a wish and a change one comes first, and sees or is seen by the other.
-- +goose StatementBegin
CREATE FUNCTION wish_listing_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM wish WHERE listing_id = NEW.id) THEN
        INSERT INTO wish_change (listing_id) VALUES (NEW.id);
    END IF;
    IF OLD.status <> NEW.status THEN -- it is on the market again, with all that there is of it
        INSERT INTO wish_change (listing_id, variant_id)
        SELECT NEW.id, v.id FROM variant v
        WHERE v.listing_id = NEW.id AND v.retired_at IS NULL
          AND (EXISTS (SELECT FROM wish WHERE listing_id = NEW.id)
            OR EXISTS (SELECT FROM availability_wait w WHERE w.variant_id = v.id AND w.told_at IS NULL))
        ORDER BY v.position, v.id;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER wish_listing_changed AFTER UPDATE OF price, currency, status ON listing
    FOR EACH ROW WHEN (NEW.status = 'ACTIVE' AND (OLD.status <> 'ACTIVE'
        OR NEW.price < OLD.price OR (NEW.price, NEW.currency) IS DISTINCT FROM (OLD.price, OLD.currency) AND OLD.currency IS DISTINCT FROM NEW.currency))
    EXECUTE FUNCTION wish_listing_changed();

-- Where there was none and is some. A first stock is not there to be locked by who begins to wait, and is always told.
-- +goose StatementBegin
CREATE FUNCTION wish_stock_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_listing uuid := (SELECT listing_id FROM variant WHERE id = NEW.variant_id);
BEGIN
    IF OLD.number = 0
        OR EXISTS (SELECT FROM availability_wait WHERE variant_id = NEW.variant_id AND told_at IS NULL)
        OR EXISTS (SELECT FROM wish WHERE listing_id = of_listing)
    THEN
        INSERT INTO wish_change (listing_id, variant_id) VALUES (of_listing, NEW.variant_id);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER wish_stock_changed AFTER UPDATE OF on_hand, reserved ON stock
    FOR EACH ROW WHEN (OLD.on_hand = OLD.reserved AND NEW.on_hand > NEW.reserved)
    EXECUTE FUNCTION wish_stock_changed();

-- +goose Down
DROP TRIGGER wish_stock_changed ON stock;
DROP TRIGGER wish_listing_changed ON listing;
DROP FUNCTION wish_stock_changed(), wish_listing_changed();
DROP TABLE wish_change, availability_wait, wish;
DROP FUNCTION listing_offered_to(uuid, uuid);
