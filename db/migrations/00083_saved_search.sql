-- +goose Up
-- Searches that people keep, and hear of what they find from then on: docs/search.md, "Kept, and told of".
CREATE TABLE saved_search (
    id         uuid        PRIMARY KEY,
    owner_id   uuid        NOT NULL REFERENCES app_user (id),
    name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    notify     boolean     NOT NULL DEFAULT true,
    query      jsonb       NOT NULL CHECK (jsonb_typeof(query) = 'object' AND octet_length(query::text) <= 32768),
    -- The query as it is compared with one document after the other: what search_document has to have.
    words      text        NOT NULL CONSTRAINT saved_search_words CHECK (words = '' OR words::tsquery IS NOT NULL),
    groups     text[]      NOT NULL,
    price_from bigint,
    price_to   bigint,
    x          double precision,
    y          double precision,
    z          double precision,
    within     double precision,
    -- Whatever it finds has one of these at least, so that an index finds the searches that a listing may be for.
    anchors    text[]      NOT NULL CHECK (cardinality(anchors) > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX saved_search_of_owner ON saved_search (owner_id, created_at DESC, id DESC);
CREATE INDEX saved_search_by_anchor ON saved_search USING gin (anchors) WHERE notify;

-- What an owner was told of, for good: a notice is pruned after 90 days, and nobody is told twice.
CREATE TABLE saved_search_hit (
    search_id  uuid        NOT NULL REFERENCES saved_search (id) ON DELETE CASCADE,
    listing_id uuid        NOT NULL REFERENCES listing (id),
    found_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (search_id, listing_id)
);
CREATE INDEX saved_search_hit_of_listing ON saved_search_hit (listing_id); -- for who deletes one

-- A document that can be found and was not, or was another, and up to which search it was compared. Deleted by who looks at the last of them.
CREATE TABLE saved_search_change (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    listing_id uuid        NOT NULL,
    seen_up_to uuid,
    -- The document as it was: who found it then is told nothing new. Words that have not changed are left out.
    was_found  boolean     NOT NULL,
    was_words  tsvector,
    was_facets text[],
    was_price  bigint,
    was_x      double precision,
    was_y      double precision,
    was_z      double precision,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- +goose StatementBegin
CREATE FUNCTION saved_search_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM saved_search WHERE notify) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' OR NOT OLD.visible THEN
        INSERT INTO saved_search_change (listing_id, was_found) VALUES (NEW.listing_id, false);
    ELSE
        INSERT INTO saved_search_change (listing_id, was_found, was_words, was_facets, was_price, was_x, was_y, was_z)
        VALUES (NEW.listing_id, true, CASE WHEN OLD.words <> NEW.words THEN OLD.words END, OLD.facets, OLD.price, OLD.x, OLD.y, OLD.z);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER saved_search_new AFTER INSERT ON search_document
    FOR EACH ROW WHEN (NEW.visible) EXECUTE FUNCTION saved_search_changed();
CREATE TRIGGER saved_search_changed AFTER UPDATE ON search_document
    FOR EACH ROW WHEN (NEW.visible AND (OLD.visible, OLD.price, OLD.facets, OLD.words, OLD.x, OLD.y, OLD.z)
        IS DISTINCT FROM (NEW.visible, NEW.price, NEW.facets, NEW.words, NEW.x, NEW.y, NEW.z))
    EXECUTE FUNCTION saved_search_changed();

-- +goose Down
DROP TRIGGER saved_search_changed ON search_document;
DROP TRIGGER saved_search_new ON search_document;
DROP FUNCTION saved_search_changed();
DROP TABLE saved_search_change, saved_search_hit, saved_search;
