-- +goose Up
-- Documents have what listings say of attributes that are numbers: they are filtered by range (docs/search.md, "Ranges"). And they are
-- counted under the stars that they have or more, which nothing wrote before.
ALTER TABLE search_document ADD COLUMN numbers jsonb NOT NULL DEFAULT '{}';

-- By attribute.
CREATE FUNCTION search_numbers(listing uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(a.attribute_id, a.number), '{}') FROM listing_attribute a WHERE a.listing_id = listing AND a.type = 'NUMBER'
$$;

-- Whether numbers are within ranges, one for each of some attributes, both ends included. What says nothing of one is not within it. As
-- double precision, as an index in memory has them.
CREATE FUNCTION search_within(numbers jsonb, attributes text[], lows double precision[], highs double precision[]) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT NOT EXISTS (
        SELECT FROM unnest(attributes, lows, highs) r (attribute, low, high)
        WHERE ((numbers ->> r.attribute)::double precision BETWEEN r.low AND r.high) IS NOT TRUE)
$$;

CREATE OR REPLACE VIEW search_document_source AS
SELECT l.id AS listing_id, l.seller_id,
    l.status IN ('ACTIVE', 'RESERVED') AND l.published_at IS NOT NULL AND l.minimum_tier IS NULL AS listed,
    u.banned_at IS NOT NULL AS banned,
    l.published_at, l.price, l.currency, r.hundredths AS rating,
    cos(radians(p.latitude)) * cos(radians(p.longitude)) AS x,
    cos(radians(p.latitude)) * sin(radians(p.longitude)) AS y,
    sin(radians(p.latitude)) AS z,
    ARRAY['kind:' || l.kind, 'condition:' || l.condition] || CASE WHEN l.currency IS NULL THEN '{}'::text[] ELSE ARRAY['currency:' || l.currency] END
        || search_filed_facets(l.id, l.category_id, l.brand_id)
        || ARRAY(SELECT 'rating:' || stars FROM generate_series(1, 5) stars WHERE r.hundredths >= stars * 100) AS facets,
    search_text(l.title, search_filed_words(l.id, l.category_id, l.brand_id), l.description) AS words,
    search_numbers(l.id) AS numbers
FROM listing l JOIN app_user u ON u.id = l.seller_id LEFT JOIN listing_place p ON p.listing_id = l.id
    CROSS JOIN LATERAL (SELECT rating_hundredths(l.id) AS hundredths) r;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_document_write(ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- A ban that commits meanwhile either sees the new document or is waited for here.
    PERFORM FROM app_user WHERE id IN (
        SELECT l.seller_id FROM listing l WHERE l.id = ANY (ids) AND NOT EXISTS (SELECT FROM search_document d WHERE d.listing_id = l.id)
    ) ORDER BY id FOR SHARE;
    -- So does whoever moves a category, or renames it or a brand.
    PERFORM FROM category_tree WHERE EXISTS (SELECT FROM listing WHERE id = ANY (ids) AND category_id IS NOT NULL) FOR SHARE;
    PERFORM FROM brand WHERE id IN (SELECT brand_id FROM listing WHERE id = ANY (ids)) ORDER BY id FOR SHARE;
    PERFORM FROM search_document WHERE listing_id = ANY (ids) ORDER BY listing_id FOR UPDATE;
    INSERT INTO search_document AS d (listing_id, seller_id, listed, banned, published_at, price, currency, rating, x, y, z, facets, words, numbers)
    SELECT listing_id, seller_id, listed, banned, published_at, price, currency, rating, x, y, z, facets, words, numbers
    FROM search_document_source WHERE listing_id = ANY (ids) ORDER BY listing_id
    ON CONFLICT (listing_id) DO UPDATE SET
        listed = excluded.listed, published_at = excluded.published_at, price = excluded.price, currency = excluded.currency,
        rating = excluded.rating, x = excluded.x, y = excluded.y, z = excluded.z, facets = excluded.facets, words = excluded.words, numbers = excluded.numbers;
    PERFORM search_word_write(ids);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_document_move(moved uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM search_document WHERE listing_id = moved FOR UPDATE;
    UPDATE search_document d
    SET listed = s.listed, published_at = s.published_at, price = s.price, currency = s.currency, rating = s.rating, x = s.x, y = s.y, z = s.z, facets = s.facets, numbers = s.numbers
    FROM search_document_source s
    WHERE d.listing_id = moved AND s.listing_id = moved
        AND (d.listed, d.published_at, d.price, d.currency, d.rating, d.x, d.y, d.z, d.facets, d.numbers)
            IS DISTINCT FROM (s.listed, s.published_at, s.price, s.currency, s.rating, s.x, s.y, s.z, s.facets, s.numbers);
    IF FOUND THEN
        PERFORM search_word_write(ARRAY[moved]);
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_rebuild() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
BEGIN
    LOCK TABLE listing, listing_attribute, listing_place, search_document IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO search_document AS d (listing_id, seller_id, listed, banned, published_at, price, currency, rating, x, y, z, facets, words, numbers)
    SELECT listing_id, seller_id, listed, banned, published_at, price, currency, rating, x, y, z, facets, words, numbers FROM search_document_source
    ON CONFLICT (listing_id) DO UPDATE SET
        listed = excluded.listed, banned = excluded.banned, published_at = excluded.published_at, price = excluded.price, currency = excluded.currency,
        rating = excluded.rating, x = excluded.x, y = excluded.y, z = excluded.z, facets = excluded.facets, words = excluded.words, numbers = excluded.numbers
    WHERE (d.listed, d.banned, d.published_at, d.price, d.currency, d.rating, d.x, d.y, d.z, d.facets, d.words, d.numbers)
        IS DISTINCT FROM (excluded.listed, excluded.banned, excluded.published_at, excluded.price, excluded.currency, excluded.rating,
            excluded.x, excluded.y, excluded.z, excluded.facets, excluded.words, excluded.numbers);
    GET DIAGNOSTICS written = ROW_COUNT;
    INSERT INTO search_word (word)
    SELECT DISTINCT w.word
    FROM search_document d JOIN listing l ON l.id = d.listing_id, unnest(string_to_array(search_plain(search_fold(l.title)), ' ')) w (word)
    WHERE d.listed AND length(w.word) BETWEEN 4 AND 40
    ON CONFLICT DO NOTHING;
    RETURN written;
END $$;
-- +goose StatementEnd

ALTER TABLE saved_search
    ADD COLUMN range_of   text[]             NOT NULL DEFAULT '{}',
    ADD COLUMN range_from double precision[] NOT NULL DEFAULT '{}',
    ADD COLUMN range_to   double precision[] NOT NULL DEFAULT '{}';
ALTER TABLE saved_search_change ADD COLUMN was_numbers jsonb;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION saved_search_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM saved_search WHERE notify) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' OR NOT OLD.visible THEN
        INSERT INTO saved_search_change (listing_id, was_found) VALUES (NEW.listing_id, false);
    ELSE
        INSERT INTO saved_search_change (listing_id, was_found, was_words, was_facets, was_price, was_x, was_y, was_z, was_numbers)
        VALUES (NEW.listing_id, true, CASE WHEN OLD.words <> NEW.words THEN OLD.words END, OLD.facets, OLD.price, OLD.x, OLD.y, OLD.z, OLD.numbers);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
DROP TRIGGER saved_search_changed ON search_document;
CREATE TRIGGER saved_search_changed AFTER UPDATE ON search_document
    FOR EACH ROW WHEN (NEW.visible AND (OLD.visible, OLD.price, OLD.facets, OLD.words, OLD.x, OLD.y, OLD.z, OLD.numbers)
        IS DISTINCT FROM (NEW.visible, NEW.price, NEW.facets, NEW.words, NEW.x, NEW.y, NEW.z, NEW.numbers))
    EXECUTE FUNCTION saved_search_changed();

SELECT search_rebuild();

-- +goose Down
DROP TRIGGER saved_search_changed ON search_document;
CREATE TRIGGER saved_search_changed AFTER UPDATE ON search_document
    FOR EACH ROW WHEN (NEW.visible AND (OLD.visible, OLD.price, OLD.facets, OLD.words, OLD.x, OLD.y, OLD.z)
        IS DISTINCT FROM (NEW.visible, NEW.price, NEW.facets, NEW.words, NEW.x, NEW.y, NEW.z))
    EXECUTE FUNCTION saved_search_changed();
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION saved_search_changed() RETURNS trigger LANGUAGE plpgsql AS $$
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
ALTER TABLE saved_search_change DROP COLUMN was_numbers;
ALTER TABLE saved_search DROP COLUMN range_of, DROP COLUMN range_from, DROP COLUMN range_to;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_document_write(ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- A ban that commits meanwhile either sees the new document or is waited for here.
    PERFORM FROM app_user WHERE id IN (
        SELECT l.seller_id FROM listing l WHERE l.id = ANY (ids) AND NOT EXISTS (SELECT FROM search_document d WHERE d.listing_id = l.id)
    ) ORDER BY id FOR SHARE;
    -- So does whoever moves a category, or renames it or a brand.
    PERFORM FROM category_tree WHERE EXISTS (SELECT FROM listing WHERE id = ANY (ids) AND category_id IS NOT NULL) FOR SHARE;
    PERFORM FROM brand WHERE id IN (SELECT brand_id FROM listing WHERE id = ANY (ids)) ORDER BY id FOR SHARE;
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
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_document_move(moved uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
CREATE OR REPLACE FUNCTION search_rebuild() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
BEGIN
    LOCK TABLE listing, listing_attribute, listing_place, search_document IN SHARE ROW EXCLUSIVE MODE;
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
DROP VIEW search_document_source;
CREATE VIEW search_document_source AS
SELECT l.id AS listing_id, l.seller_id,
    l.status IN ('ACTIVE', 'RESERVED') AND l.published_at IS NOT NULL AND l.minimum_tier IS NULL AS listed,
    u.banned_at IS NOT NULL AS banned,
    l.published_at, l.price, l.currency, rating_hundredths(l.id) AS rating,
    cos(radians(p.latitude)) * cos(radians(p.longitude)) AS x,
    cos(radians(p.latitude)) * sin(radians(p.longitude)) AS y,
    sin(radians(p.latitude)) AS z,
    ARRAY['kind:' || l.kind, 'condition:' || l.condition] || CASE WHEN l.currency IS NULL THEN '{}'::text[] ELSE ARRAY['currency:' || l.currency] END
        || search_filed_facets(l.id, l.category_id, l.brand_id) AS facets,
    search_text(l.title, search_filed_words(l.id, l.category_id, l.brand_id), l.description) AS words
FROM listing l JOIN app_user u ON u.id = l.seller_id LEFT JOIN listing_place p ON p.listing_id = l.id;
DROP FUNCTION search_within(jsonb, text[], double precision[], double precision[]), search_numbers(uuid);
ALTER TABLE search_document DROP COLUMN numbers;
