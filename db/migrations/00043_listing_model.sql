-- +goose Up
-- Five kinds of listing in one model: docs/catalogue.md. listing_move lists every move that is allowed; the trigger below holds
-- whoever writes to it, whatever the code believes.
CREATE TABLE listing_move (
    from_state text NOT NULL,
    to_state   text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO listing_move VALUES
    ('DRAFT', 'ACTIVE'), ('DRAFT', 'ENDED'),
    ('ACTIVE', 'RESERVED'), ('ACTIVE', 'ENDED'), ('ACTIVE', 'HIDDEN'),
    ('RESERVED', 'ACTIVE'), ('RESERVED', 'SOLD'), ('RESERVED', 'HIDDEN'),
    ('SOLD', 'ACTIVE'), ('SOLD', 'HIDDEN'),
    ('ENDED', 'ACTIVE'), ('ENDED', 'HIDDEN'),
    ('HIDDEN', 'ACTIVE'), ('HIDDEN', 'RESERVED'), ('HIDDEN', 'SOLD'), ('HIDDEN', 'ENDED');

-- +goose StatementBegin
CREATE FUNCTION listing_move_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RAISE EXCEPTION 'the moves of a listing are changed by a migration only' USING ERRCODE = 'SK402';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER listing_move_refuse_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON listing_move
    FOR EACH STATEMENT EXECUTE FUNCTION listing_move_refuse_change();

ALTER TABLE listing
    ADD COLUMN option_names text[] NOT NULL DEFAULT '{}' CHECK (cardinality(option_names) <= 3),
    ADD COLUMN hidden_from  text, -- what a HIDDEN listing is beneath
    ADD COLUMN published_at timestamptz,
    DROP CONSTRAINT listing_kind_check,
    DROP CONSTRAINT listing_price_check,
    DROP CONSTRAINT listing_status_check;
UPDATE listing SET published_at = created_at;
ALTER TABLE listing
    ADD CONSTRAINT listing_kind CHECK (kind IN ('ONE_OFF', 'GIVEAWAY', 'RETAIL', 'DIGITAL_CODE', 'LOT')),
    ADD CONSTRAINT listing_status CHECK (status IN ('DRAFT', 'ACTIVE', 'RESERVED', 'SOLD', 'ENDED', 'HIDDEN')),
    ADD CONSTRAINT listing_hidden CHECK ((status = 'HIDDEN') = (hidden_from IS NOT NULL)),
    ADD CONSTRAINT listing_hidden_from CHECK (hidden_from IN ('ACTIVE', 'RESERVED', 'SOLD', 'ENDED')),
    ADD CONSTRAINT listing_published CHECK (published_at IS NOT NULL OR status IN ('DRAFT', 'ENDED')),
    -- What exists once is reserved and sold as a whole; of the other kinds there is a stock.
    ADD CONSTRAINT listing_exists_once CHECK (coalesce(hidden_from, status) NOT IN ('RESERVED', 'SOLD') OR kind IN ('ONE_OFF', 'GIVEAWAY', 'LOT')),
    -- price is the lowest of its variants'. A giveaway costs nothing, and nothing else does; a lot has no price but what is bid.
    ADD CONSTRAINT listing_price CHECK (price IS NULL OR (price >= 0 AND (price = 0) = (kind = 'GIVEAWAY') AND kind <> 'LOT')),
    ADD CONSTRAINT listing_options CHECK (option_names = '{}' OR kind IN ('RETAIL', 'DIGITAL_CODE')),
    ADD CONSTRAINT listing_of_seller UNIQUE (id, seller_id);
DROP INDEX listing_newest;
CREATE INDEX listing_newest ON listing (published_at DESC, id DESC);
CREATE INDEX listing_shop ON listing (seller_id, published_at DESC, id DESC);

-- +goose StatementBegin
CREATE FUNCTION listing_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was text; -- what the listing is, hidden or not
    becomes text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a listing is never deleted' USING ERRCODE = 'SK401';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status NOT IN ('DRAFT', 'ACTIVE') THEN
            RAISE EXCEPTION 'a listing begins as DRAFT or ACTIVE' USING ERRCODE = 'SK401';
        END IF;
        IF NEW.status = 'ACTIVE' AND NEW.published_at IS NULL THEN
            NEW.published_at := NEW.created_at;
        END IF;
        RETURN NEW;
    END IF;
    was := coalesce(OLD.hidden_from, OLD.status);
    becomes := coalesce(NEW.hidden_from, NEW.status);
    IF was <> becomes AND NOT EXISTS (SELECT 1 FROM listing_move WHERE from_state = was AND to_state = becomes) THEN
        RAISE EXCEPTION 'a listing cannot move from % to %', was, becomes USING ERRCODE = 'SK401';
    END IF;
    -- Who hides or restores changes nothing beneath.
    IF (OLD.status = 'HIDDEN') <> (NEW.status = 'HIDDEN') AND (was <> becomes
        OR NOT EXISTS (SELECT 1 FROM listing_move WHERE from_state = OLD.status AND to_state = NEW.status))
    THEN
        RAISE EXCEPTION 'a listing cannot move from % to %', OLD.status, NEW.status USING ERRCODE = 'SK401';
    END IF;
    IF (NEW.id, NEW.seller_id, NEW.kind, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.seller_id, OLD.kind, OLD.created_at) THEN
        RAISE EXCEPTION 'a listing''s seller and kind are fixed' USING ERRCODE = 'SK401';
    END IF;
    IF NEW.status = 'ACTIVE' AND NEW.published_at IS NULL THEN
        NEW.published_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER listing_guard BEFORE INSERT OR UPDATE OR DELETE ON listing
    FOR EACH ROW EXECUTE FUNCTION listing_guard();

-- What is bought: a listing has one or more. What exists once has exactly one, under the listing's own number.
CREATE TABLE variant (
    id            uuid        PRIMARY KEY,
    listing_id    uuid        NOT NULL,
    seller_id     uuid        NOT NULL,
    position      smallint    NOT NULL DEFAULT 1 CHECK (position BETWEEN 1 AND 100),
    sku           text        CHECK (sku ~ '^[!-~]{1,64}$'),
    option_values text[]      NOT NULL DEFAULT '{}', -- in the order of the listing's option_names
    price         bigint      CHECK (price >= 0),    -- null where the item is sold by auction only, and in drafts
    currency      text        CHECK (length(currency) = 3),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    retired_at    timestamptz,
    CHECK ((price IS NULL) = (currency IS NULL)),
    FOREIGN KEY (listing_id, seller_id) REFERENCES listing (id, seller_id)
);
CREATE INDEX variant_by_listing ON variant (listing_id, position, id);
CREATE UNIQUE INDEX variant_sku ON variant (seller_id, sku) WHERE retired_at IS NULL;
CREATE UNIQUE INDEX variant_options ON variant (listing_id, option_values) WHERE retired_at IS NULL;

-- Every price that a variant has had; the newest is its own. Written by the trigger below, and never changed.
CREATE TABLE price_change (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    variant_id uuid        NOT NULL REFERENCES variant (id),
    price      bigint,
    currency   text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX price_change_by_variant ON price_change (variant_id, id DESC);

-- +goose StatementBegin
CREATE FUNCTION price_change_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of prices is only added to' USING ERRCODE = 'SK403';
END $$;
-- +goose StatementEnd
CREATE TRIGGER price_change_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON price_change
    FOR EACH STATEMENT EXECUTE FUNCTION price_change_refuse();

-- +goose StatementBegin
CREATE FUNCTION variant_priced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- One writer a listing: what is read next is what the last one wrote.
    PERFORM FROM listing WHERE id = NEW.listing_id FOR UPDATE;
    IF NEW.retired_at IS NULL AND EXISTS (
        SELECT 1 FROM variant WHERE listing_id = NEW.listing_id AND retired_at IS NULL AND currency <> NEW.currency)
    THEN
        RAISE EXCEPTION 'the variants of a listing have one currency' USING ERRCODE = 'SK404';
    END IF;
    IF (TG_OP = 'INSERT' AND NEW.price IS NOT NULL)
        OR (TG_OP = 'UPDATE' AND (NEW.price, NEW.currency) IS DISTINCT FROM (OLD.price, OLD.currency))
    THEN
        INSERT INTO price_change (variant_id, price, currency) VALUES (NEW.id, NEW.price, NEW.currency);
    END IF;
    UPDATE listing l SET price = lowest.price, currency = lowest.currency
    FROM (SELECT min(price) AS price, min(currency) AS currency FROM variant WHERE listing_id = NEW.listing_id AND retired_at IS NULL) lowest
    WHERE l.id = NEW.listing_id AND (l.price, l.currency) IS DISTINCT FROM (lowest.price, lowest.currency);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER variant_priced AFTER INSERT OR UPDATE OF price, currency, retired_at ON variant
    FOR EACH ROW EXECUTE FUNCTION variant_priced();

-- +goose StatementBegin
CREATE FUNCTION listing_has_variant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO variant (id, listing_id, seller_id, price, currency) VALUES (NEW.id, NEW.id, NEW.seller_id, NEW.price, NEW.currency);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER listing_has_variant AFTER INSERT ON listing
    FOR EACH ROW WHEN (NEW.kind IN ('ONE_OFF', 'GIVEAWAY', 'LOT')) EXECUTE FUNCTION listing_has_variant();
INSERT INTO variant (id, listing_id, seller_id, price, currency, created_at)
SELECT id, id, seller_id, price, currency, created_at FROM listing;

-- The one place that says what everybody may see. A migration that adds a column to listing makes it anew.
CREATE VIEW public_listing AS
SELECT l.* FROM listing l JOIN app_user u ON u.id = l.seller_id
WHERE l.status IN ('ACTIVE', 'RESERVED', 'SOLD', 'ENDED') AND l.published_at IS NOT NULL AND u.banned_at IS NULL;

-- +goose Down
DROP VIEW public_listing;
DROP TRIGGER listing_has_variant ON listing;
DROP FUNCTION listing_has_variant();
DROP TABLE price_change, variant;
DROP FUNCTION variant_priced(), price_change_refuse();
DROP TRIGGER listing_guard ON listing;
DROP FUNCTION listing_guard();
DROP TABLE listing_move;
DROP FUNCTION listing_move_refuse_change();
DROP INDEX listing_shop, listing_newest;
ALTER TABLE listing
    DROP CONSTRAINT listing_of_seller, DROP CONSTRAINT listing_options, DROP CONSTRAINT listing_price, DROP CONSTRAINT listing_exists_once,
    DROP CONSTRAINT listing_published, DROP CONSTRAINT listing_hidden_from, DROP CONSTRAINT listing_hidden, DROP CONSTRAINT listing_status,
    DROP CONSTRAINT listing_kind,
    DROP COLUMN published_at, DROP COLUMN hidden_from, DROP COLUMN option_names,
    ADD CONSTRAINT listing_kind_check CHECK (kind IN ('ONE_OFF')),
    ADD CONSTRAINT listing_price_check CHECK (price > 0),
    ADD CONSTRAINT listing_status_check CHECK (status IN ('ACTIVE', 'RESERVED', 'SOLD'));
CREATE INDEX listing_newest ON listing (created_at DESC, id DESC);
