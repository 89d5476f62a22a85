-- +goose Up
-- Documents have what listings are filed under: category with all above it, brand, attributes.
-- A category and all above it.
CREATE FUNCTION category_line(of uuid) RETURNS SETOF category LANGUAGE sql STABLE AS $$
    WITH RECURSIVE up AS (
        SELECT c.*, 1 AS level FROM category c WHERE c.id = of
        UNION ALL
        SELECT c.*, up.level + 1 FROM up JOIN category c ON c.id = up.parent_id WHERE up.level < 6
    )
    SELECT id, parent_id, slug, name_ar, name_en, name_fr, position, retired_at, created_at FROM up
$$;

-- What a listing is counted under by the taxonomy: 'category:<id>', 'brand:<id>', and by attribute '<id>:red'.
CREATE FUNCTION search_filed_facets(listing uuid, category uuid, brand uuid) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT 'category:' || c.id FROM category_line(category) c ORDER BY c.id)
        || CASE WHEN brand IS NULL THEN '{}'::text[] ELSE ARRAY['brand:' || brand] END
        || ARRAY(SELECT a.attribute_id || ':' || a.value FROM listing_attribute a WHERE a.listing_id = listing AND a.type IN ('CHOICE', 'BOOLEAN') ORDER BY a.attribute_id)
$$;

-- Its words, in all three languages.
CREATE FUNCTION search_filed_words(listing uuid, category uuid, brand uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws(' ',
        (SELECT string_agg(concat_ws(' ', c.name_ar, c.name_en, c.name_fr), ' ' ORDER BY c.id) FROM category_line(category) c),
        (SELECT b.name FROM brand b WHERE b.id = brand),
        (SELECT string_agg(CASE a.type WHEN 'CHOICE' THEN concat_ws(' ', o.name_ar, o.name_en, o.name_fr) ELSE a.value END, ' ' ORDER BY a.attribute_id)
         FROM listing_attribute a LEFT JOIN attribute_option o ON o.attribute_id = a.attribute_id AND o.code = a.option_code
         WHERE a.listing_id = listing AND a.type IN ('CHOICE', 'TEXT')))
$$;

CREATE OR REPLACE VIEW search_document_source AS
SELECT l.id AS listing_id, l.seller_id,
    l.status IN ('ACTIVE', 'RESERVED') AND l.published_at IS NOT NULL AND l.minimum_tier IS NULL AS listed,
    u.banned_at IS NOT NULL AS banned,
    l.published_at, l.price, l.currency, 0 AS rating,
    cos(radians(p.latitude)) * cos(radians(p.longitude)) AS x,
    cos(radians(p.latitude)) * sin(radians(p.longitude)) AS y,
    sin(radians(p.latitude)) AS z,
    ARRAY['kind:' || l.kind, 'condition:' || l.condition] || CASE WHEN l.currency IS NULL THEN '{}'::text[] ELSE ARRAY['currency:' || l.currency] END
        || search_filed_facets(l.id, l.category_id, l.brand_id) AS facets,
    search_text(l.title, search_filed_words(l.id, l.category_id, l.brand_id), l.description) AS words
FROM listing l JOIN app_user u ON u.id = l.seller_id LEFT JOIN listing_place p ON p.listing_id = l.id;

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

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION listing_searched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM search_document_write(ARRAY[NEW.id]);
    ELSIF (NEW.title, NEW.description, NEW.category_id, NEW.brand_id) IS DISTINCT FROM (OLD.title, OLD.description, OLD.category_id, OLD.brand_id) THEN
        PERFORM search_document_write(ARRAY[NEW.id]);
    ELSE
        PERFORM search_document_move(NEW.id);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
DROP TRIGGER listing_searched ON listing;
CREATE TRIGGER listing_searched AFTER UPDATE ON listing FOR EACH ROW
    WHEN ((old.title, old.description, old.condition, old.status, old.price, old.currency, old.published_at, old.minimum_tier, old.category_id, old.brand_id)
        IS DISTINCT FROM (new.title, new.description, new.condition, new.status, new.price, new.currency, new.published_at, new.minimum_tier, new.category_id, new.brand_id))
    EXECUTE FUNCTION listing_searched();

-- A listing's attributes are written and taken away together: its document once, for each statement.
-- +goose StatementBegin
CREATE FUNCTION listing_attribute_searched() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM search_document_write(ARRAY(SELECT DISTINCT listing_id FROM changed));
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER listing_attribute_searched_new AFTER INSERT ON listing_attribute REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION listing_attribute_searched();
CREATE TRIGGER listing_attribute_searched AFTER UPDATE ON listing_attribute REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION listing_attribute_searched();
CREATE TRIGGER listing_attribute_searched_gone AFTER DELETE ON listing_attribute REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION listing_attribute_searched();

-- Who renames or moves a category, or renames a brand or a choice, changes the documents of all that is filed there. An admin waits for it.
-- +goose StatementBegin
CREATE FUNCTION category_searched() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM search_document_write(ARRAY(
        WITH RECURSIVE down AS (
            SELECT NEW.id, 1 AS level
            UNION ALL
            SELECT c.id, down.level + 1 FROM down JOIN category c ON c.parent_id = down.id WHERE down.level < 6
        )
        SELECT l.id FROM listing l JOIN down ON down.id = l.category_id));
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER category_searched AFTER UPDATE ON category FOR EACH ROW
    WHEN ((old.parent_id, old.name_ar, old.name_en, old.name_fr) IS DISTINCT FROM (new.parent_id, new.name_ar, new.name_en, new.name_fr))
    EXECUTE FUNCTION category_searched();

-- +goose StatementBegin
CREATE FUNCTION brand_searched() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM search_document_write(ARRAY(SELECT id FROM listing WHERE brand_id = NEW.id));
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER brand_searched AFTER UPDATE ON brand FOR EACH ROW WHEN (old.name <> new.name) EXECUTE FUNCTION brand_searched();

-- +goose StatementBegin
CREATE FUNCTION attribute_option_searched() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM search_document_write(ARRAY(SELECT listing_id FROM listing_attribute WHERE attribute_id = NEW.attribute_id AND option_code = NEW.code));
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER attribute_option_searched AFTER UPDATE ON attribute_option FOR EACH ROW
    WHEN ((old.name_ar, old.name_en, old.name_fr) IS DISTINCT FROM (new.name_ar, new.name_en, new.name_fr)) EXECUTE FUNCTION attribute_option_searched();

SELECT search_rebuild();

-- +goose Down
DROP TRIGGER attribute_option_searched ON attribute_option;
DROP TRIGGER brand_searched ON brand;
DROP TRIGGER category_searched ON category;
DROP TRIGGER listing_attribute_searched_gone ON listing_attribute;
DROP TRIGGER listing_attribute_searched ON listing_attribute;
DROP TRIGGER listing_attribute_searched_new ON listing_attribute;
DROP FUNCTION attribute_option_searched(), brand_searched(), category_searched(), listing_attribute_searched();
DROP TRIGGER listing_searched ON listing;
CREATE TRIGGER listing_searched AFTER UPDATE ON listing FOR EACH ROW
    WHEN ((old.title, old.description, old.condition, old.status, old.price, old.currency, old.published_at, old.minimum_tier)
        IS DISTINCT FROM (new.title, new.description, new.condition, new.status, new.price, new.currency, new.published_at, new.minimum_tier))
    EXECUTE FUNCTION listing_searched();
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION listing_searched() RETURNS trigger LANGUAGE plpgsql AS $$
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
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_document_write(ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
CREATE OR REPLACE VIEW search_document_source AS
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
DROP FUNCTION search_filed_words(uuid, uuid, uuid), search_filed_facets(uuid, uuid, uuid), category_line(uuid);
SELECT search_rebuild();
