-- +goose Up
-- What buyers look for, and what is offered to them: docs/wants.md.

-- The words of a text in one form each, whichever of three languages they are of: as a want and a listing are compared.
CREATE FUNCTION want_words(t text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT tsvector_to_array(to_tsvector('pg_catalog.arabic', array_to_string(tsvector_to_array(to_tsvector('pg_catalog.french',
        array_to_string(tsvector_to_array(to_tsvector('pg_catalog.english', search_fold(t))), ' '))), ' ')))
$$;

CREATE TABLE want (
    id          uuid        PRIMARY KEY,
    buyer_id    uuid        NOT NULL REFERENCES app_user (id),
    words       text        NOT NULL CHECK (length(words) BETWEEN 2 AND 120),
    lexemes     text[]      NOT NULL GENERATED ALWAYS AS (want_words(words)) STORED,
    ceiling     bigint      CHECK (ceiling >= 0), -- null for any price
    currency    text        CHECK (length(currency) = 3),
    conditions  text[]      NOT NULL DEFAULT '{}', -- none for any
    category_id uuid        REFERENCES category (id), -- or one below it
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at  timestamptz NOT NULL,
    closed_at   timestamptz,
    CHECK ((ceiling IS NULL) = (currency IS NULL)),
    CONSTRAINT want_lexemes CHECK (cardinality(lexemes) > 0)
);
CREATE INDEX want_newest ON want (created_at DESC, id DESC) WHERE closed_at IS NULL;
CREATE INDEX want_of_buyer ON want (buyer_id, created_at DESC, id DESC);
CREATE INDEX want_by_words ON want USING gin (lexemes) WHERE closed_at IS NULL;

-- What fits a want: found when it was published, or offered by its seller.
CREATE TABLE want_offer (
    want_id    uuid        NOT NULL REFERENCES want (id),
    listing_id uuid        NOT NULL REFERENCES listing (id),
    by_seller  boolean     NOT NULL,
    offered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (want_id, listing_id)
);
CREATE INDEX want_offer_newest ON want_offer (want_id, offered_at DESC, listing_id DESC);

-- A listing that came to the market, or was changed there, and which wants were looked at. Deleted by who looks at the last of them.
CREATE TABLE want_change (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    listing_id uuid        NOT NULL,
    seen_up_to uuid,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- +goose StatementBegin
CREATE FUNCTION want_listing_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM want WHERE closed_at IS NULL AND expires_at > clock_timestamp()) THEN
        INSERT INTO want_change (listing_id) VALUES (NEW.id);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER want_listing_new AFTER INSERT ON listing
    FOR EACH ROW WHEN (NEW.status = 'ACTIVE') EXECUTE FUNCTION want_listing_changed();
CREATE TRIGGER want_listing_changed AFTER UPDATE OF status, title, description, condition, price, currency, category_id, minimum_tier ON listing
    FOR EACH ROW WHEN (NEW.status = 'ACTIVE' AND (OLD.status IN ('DRAFT', 'ENDED', 'HIDDEN')
        OR (OLD.title, OLD.description, OLD.condition, OLD.price, OLD.currency, OLD.category_id, OLD.minimum_tier)
            IS DISTINCT FROM (NEW.title, NEW.description, NEW.condition, NEW.price, NEW.currency, NEW.category_id, NEW.minimum_tier)))
    EXECUTE FUNCTION want_listing_changed();

-- +goose Down
DROP TRIGGER want_listing_new ON listing;
DROP TRIGGER want_listing_changed ON listing;
DROP FUNCTION want_listing_changed();
DROP TABLE want_change, want_offer, want;
DROP FUNCTION want_words(text);
