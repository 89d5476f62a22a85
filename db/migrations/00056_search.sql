-- +goose Up
-- What can be found: docs/search.md. search_document has one row a listing, written by the triggers below in the transaction that
-- changes the listing, its price, its place or its seller's ban.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Where a thing can be fetched by hand. Rounded to a hundredth of a degree, about a kilometre, before it gets here: nobody's door.
CREATE TABLE listing_place (
    listing_id uuid             PRIMARY KEY REFERENCES listing (id),
    latitude   double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude  double precision CHECK (longitude BETWEEN -180 AND 180),
    CHECK ((latitude IS NULL) = (longitude IS NULL)) -- null where it was taken back
);

-- search_fold() writes words as they are compared: without case, accents, Arabic vowels and the tatweel, letters that people use for one
-- another as one, digits in one form, and whatever is no letter or digit as a space. It names what it drops, and does not ask the
-- database's locale what a letter is.
CREATE FUNCTION search_fold(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT trim(translate(replace(replace(replace(
        regexp_replace(regexp_replace(lower(normalize(t, NFKD)),
            '[\u00ad\u0300-\u036f\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]', '', 'g'),
            '[\u0001-\u002f\u003a-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u02b0-\u02ff\u0600-\u060f\u061b-\u061f\u066a-\u066d\u06d4\u2000-\u206f\u20a0-\u20ff\u2190-\u2bff\u2e00-\u2e7f\u3000-\u303f\ufe10-\ufe6f\U0001f000-\U0001faff]+',
            ' ', 'g'),
        'ß', 'ss'), 'œ', 'oe'), 'æ', 'ae'),
        'ٱىیکıøłđ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', 'اييكiold01234567890123456789'))
$$;

-- A folded text as it is compared where no stem is asked for: a final ة is as often written ه. The stemmer needs to know them apart.
CREATE FUNCTION search_plain(folded text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT translate(folded, 'ة', 'ه')
$$;

-- The words of a folded text: as they are, and by the stems that each of three languages gives them.
CREATE FUNCTION search_stems(folded text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT to_tsvector('pg_catalog.simple', search_plain(folded)) || to_tsvector('pg_catalog.english', folded)
        || to_tsvector('pg_catalog.french', folded) || to_tsvector('pg_catalog.arabic', folded)
$$;

-- A word's weight says where it is: C as it stands in the title, A in the title, B in what the listing is filed under, D in the description.
CREATE FUNCTION search_text(title text, filed text, description text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT setweight(to_tsvector('pg_catalog.simple', search_plain(search_fold(title))), 'C') || setweight(search_stems(search_fold(title)), 'A')
        || setweight(search_stems(search_fold(filed)), 'B') || search_stems(search_fold(description))
$$;

CREATE TABLE search_document (
    listing_id   uuid             PRIMARY KEY REFERENCES listing (id),
    seller_id    uuid             NOT NULL,
    listed       boolean          NOT NULL, -- on the market or in a lot, and offered to everybody
    banned       boolean          NOT NULL, -- its seller is
    visible      boolean          NOT NULL GENERATED ALWAYS AS (listed AND NOT banned) STORED,
    published_at timestamptz,
    price        bigint,
    currency     text,
    rating       integer          NOT NULL DEFAULT 0, -- in hundredths of a star; 0 without a review
    x            double precision,                    -- its place, as a point on a sphere of radius 1
    y            double precision,
    z            double precision,
    facets       text[]           NOT NULL, -- what it is counted under: 'kind:RETAIL'
    words        tsvector         NOT NULL,
    -- Who wrote the row last: an index in memory reads what a snapshot of its own did not see yet, so that no commit is missed.
    changed      xid8             NOT NULL,
    CHECK (NOT listed OR published_at IS NOT NULL)
);
CREATE INDEX search_document_newest ON search_document (published_at DESC, listing_id DESC) WHERE visible;
CREATE INDEX search_document_words ON search_document USING gin (words) WHERE visible;
CREATE INDEX search_document_facets ON search_document USING gin (facets) WHERE visible;
CREATE INDEX search_document_changed ON search_document (changed);
CREATE INDEX search_document_seller ON search_document (seller_id);

-- The words of titles that are or were on the market: what a word that nobody wrote is compared with. Which of them are still to be
-- found, the documents say.
CREATE TABLE search_word (word text PRIMARY KEY);
CREATE INDEX search_word_like ON search_word USING gin (word gin_trgm_ops);

-- The square of the straight line between two points of the sphere: no angle is computed per row, and every machine computes the same.
CREATE FUNCTION search_chord(x double precision, y double precision, z double precision, ax double precision, ay double precision, az double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (x - ax) * (x - ax) + (y - ay) * (y - ay) + (z - az) * (z - az)
$$;

-- Whether a document has one facet at least of each group ('kind:RETAIL|kind:LOT'), a price within bounds and a place near another;
-- a bound that is null bounds nothing.
CREATE FUNCTION search_meets(
    facets text[], price bigint, chord double precision, groups text[], price_from bigint, price_to bigint, within double precision
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT NOT EXISTS (SELECT FROM unnest(groups) g (any_of) WHERE NOT facets && string_to_array(g.any_of, '|'))
        AND (price_from IS NULL OR price >= price_from) AND (price_to IS NULL OR price <= price_to)
        AND (within IS NULL OR chord <= within)
$$;

-- What a listing's document has to be. The one place that says it: the triggers write from here, and so does search_rebuild().
CREATE VIEW search_document_source AS
SELECT l.id AS listing_id, l.seller_id,
    l.status IN ('ACTIVE', 'RESERVED') AND l.published_at IS NOT NULL AND l.minimum_tier IS NULL AS listed,
    u.banned_at IS NOT NULL AS banned,
    l.published_at, l.price, l.currency, 0 AS rating,
    cos(radians(p.latitude)) * cos(radians(p.longitude)) AS x,
    cos(radians(p.latitude)) * sin(radians(p.longitude)) AS y,
    sin(radians(p.latitude)) AS z,
    ARRAY['kind:' || l.kind, 'condition:' || l.condition] || CASE WHEN l.currency IS NULL THEN '{}'::text[] ELSE ARRAY['currency:' || l.currency] END AS facets,
    search_text(l.title, '', l.description) AS words
FROM listing l JOIN app_user u ON u.id = l.seller_id LEFT JOIN listing_place p ON p.listing_id = l.id;

-- +goose StatementBegin
CREATE FUNCTION search_document_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed := pg_current_xact_id();
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER search_document_stamp BEFORE INSERT OR UPDATE ON search_document
    FOR EACH ROW EXECUTE FUNCTION search_document_stamp();

-- Writes the documents of some listings anew, words and all.
-- +goose StatementBegin
CREATE FUNCTION search_document_write(ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- A ban that commits meanwhile either sees the new document or is waited for here.
    PERFORM FROM app_user WHERE id IN (
        SELECT l.seller_id FROM listing l WHERE l.id = ANY (ids) AND NOT EXISTS (SELECT FROM search_document d WHERE d.listing_id = l.id)
    ) ORDER BY id FOR SHARE;
    PERFORM FROM search_document WHERE listing_id = ANY (ids) ORDER BY listing_id FOR UPDATE;
    INSERT INTO search_document AS d (listing_id, seller_id, listed, banned, published_at, price, currency, rating, x, y, z, facets, words)
    SELECT listing_id, seller_id, listed, banned, published_at, price, currency, rating, x, y, z, facets, words
    FROM search_document_source WHERE listing_id = ANY (ids) ORDER BY listing_id
    ON CONFLICT (listing_id) DO UPDATE SET
        listed = excluded.listed, published_at = excluded.published_at, price = excluded.price, currency = excluded.currency,
        rating = excluded.rating, x = excluded.x, y = excluded.y, z = excluded.z, facets = excluded.facets, words = excluded.words;
    PERFORM search_word_write(ids);
END $$;
-- +goose StatementEnd

-- Keeps the titles' words; in one order, so that two who bring the same words wait for each other once at most.
-- +goose StatementBegin
CREATE FUNCTION search_word_write(ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO search_word (word)
    SELECT DISTINCT w.word
    FROM search_document d JOIN listing l ON l.id = d.listing_id, unnest(string_to_array(search_plain(search_fold(l.title)), ' ')) w (word)
    WHERE d.listing_id = ANY (ids) AND d.listed AND length(w.word) BETWEEN 4 AND 40
        AND NOT EXISTS (SELECT FROM search_word k WHERE k.word = w.word)
    ORDER BY w.word
    ON CONFLICT DO NOTHING;
END $$;
-- +goose StatementEnd

-- Writes all but the words: of what moves and is priced, which happens more often than it is edited.
-- +goose StatementBegin
CREATE FUNCTION search_document_move(moved uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM search_document WHERE listing_id = moved FOR UPDATE;
    UPDATE search_document d
    SET listed = s.listed, published_at = s.published_at, price = s.price, currency = s.currency, rating = s.rating, x = s.x, y = s.y, z = s.z, facets = s.facets
    FROM search_document_source s
    WHERE d.listing_id = moved AND s.listing_id = moved
        AND (d.listed, d.published_at, d.price, d.currency, d.rating, d.x, d.y, d.z, d.facets)
            IS DISTINCT FROM (s.listed, s.published_at, s.price, s.currency, s.rating, s.x, s.y, s.z, s.facets);
    IF FOUND THEN
        PERFORM search_word_write(ARRAY[moved]);
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION listing_searched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM search_document_write(ARRAY[NEW.id]);
    ELSIF (NEW.title, NEW.description) IS DISTINCT FROM (OLD.title, OLD.description) THEN
        PERFORM search_document_write(ARRAY[NEW.id]);
    ELSE
        PERFORM search_document_move(NEW.id);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- By what they are named, these come after the triggers that make a listing's variant and price.
CREATE TRIGGER listing_searched_new AFTER INSERT ON listing FOR EACH ROW EXECUTE FUNCTION listing_searched();
CREATE TRIGGER listing_searched AFTER UPDATE ON listing FOR EACH ROW
    WHEN ((old.title, old.description, old.condition, old.status, old.price, old.currency, old.published_at, old.minimum_tier)
        IS DISTINCT FROM (new.title, new.description, new.condition, new.status, new.price, new.currency, new.published_at, new.minimum_tier))
    EXECUTE FUNCTION listing_searched();

-- +goose StatementBegin
CREATE FUNCTION listing_place_searched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM search_document_move(NEW.listing_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER listing_place_searched AFTER INSERT OR UPDATE ON listing_place FOR EACH ROW EXECUTE FUNCTION listing_place_searched();

-- +goose StatementBegin
CREATE FUNCTION app_user_searched() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM search_document WHERE seller_id = NEW.id ORDER BY listing_id FOR UPDATE;
    UPDATE search_document SET banned = NEW.banned_at IS NOT NULL WHERE seller_id = NEW.id AND banned <> (NEW.banned_at IS NOT NULL);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER app_user_searched AFTER UPDATE OF banned_at ON app_user FOR EACH ROW
    WHEN ((old.banned_at IS NULL) <> (new.banned_at IS NULL)) EXECUTE FUNCTION app_user_searched();

-- Writes every document that is not what it has to be, and says how many: after a bulk load, or a restore.
-- +goose StatementBegin
CREATE FUNCTION search_rebuild() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
BEGIN
    LOCK TABLE listing, listing_place, search_document IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO search_document AS d (listing_id, seller_id, listed, banned, published_at, price, currency, rating, x, y, z, facets, words)
    SELECT listing_id, seller_id, listed, banned, published_at, price, currency, rating, x, y, z, facets, words FROM search_document_source
    ON CONFLICT (listing_id) DO UPDATE SET
        listed = excluded.listed, banned = excluded.banned, published_at = excluded.published_at, price = excluded.price, currency = excluded.currency,
        rating = excluded.rating, x = excluded.x, y = excluded.y, z = excluded.z, facets = excluded.facets, words = excluded.words
    WHERE (d.listed, d.banned, d.published_at, d.price, d.currency, d.rating, d.x, d.y, d.z, d.facets, d.words)
        IS DISTINCT FROM (excluded.listed, excluded.banned, excluded.published_at, excluded.price, excluded.currency, excluded.rating,
            excluded.x, excluded.y, excluded.z, excluded.facets, excluded.words);
    GET DIAGNOSTICS written = ROW_COUNT;
    INSERT INTO search_word (word)
    SELECT DISTINCT w.word
    FROM search_document d JOIN listing l ON l.id = d.listing_id, unnest(string_to_array(search_plain(search_fold(l.title)), ' ')) w (word)
    WHERE d.listed AND length(w.word) BETWEEN 4 AND 40
    ON CONFLICT DO NOTHING;
    RETURN written;
END $$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION search_rebuild() FROM PUBLIC;
SELECT search_rebuild();

-- +goose Down
DROP FUNCTION search_rebuild();
DROP TRIGGER app_user_searched ON app_user;
DROP TRIGGER listing_place_searched ON listing_place;
DROP TRIGGER listing_searched ON listing;
DROP TRIGGER listing_searched_new ON listing;
DROP FUNCTION app_user_searched(), listing_place_searched(), listing_searched(), search_document_move(uuid), search_document_write(uuid[]), search_word_write(uuid[]);
DROP VIEW search_document_source;
DROP TABLE search_word, search_document;
DROP FUNCTION search_document_stamp(), search_meets(text[], bigint, double precision, text[], bigint, bigint, double precision),
    search_chord(double precision, double precision, double precision, double precision, double precision, double precision),
    search_text(text, text, text), search_stems(text), search_plain(text), search_fold(text);
DROP TABLE listing_place;
DROP EXTENSION pg_trgm;
