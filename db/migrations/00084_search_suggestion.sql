-- +goose Up
-- What a search that is begun may become: docs/search.md, "Begun".
CREATE INDEX search_word_begun ON search_word (word text_pattern_ops);
CREATE INDEX category_begun ON category USING gin (to_tsvector('pg_catalog.simple', search_plain(search_fold(name_ar || ' ' || name_en || ' ' || name_fr)))) WHERE retired_at IS NULL;
CREATE INDEX brand_begun ON brand USING gin (to_tsvector('pg_catalog.simple', search_plain(search_fold(name)))) WHERE retired_at IS NULL;

-- The words of names, which anybody may read: what a misspelt word is compared with, beside those of titles.
CREATE FUNCTION search_name_write(name text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO search_word (word)
    SELECT DISTINCT w.word FROM unnest(string_to_array(search_plain(search_fold(name)), ' ')) w (word)
    WHERE length(w.word) BETWEEN 4 AND 40 ORDER BY w.word
    ON CONFLICT DO NOTHING
$$;
-- +goose StatementBegin
CREATE FUNCTION category_named() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM search_name_write(concat_ws(' ', NEW.name_ar, NEW.name_en, NEW.name_fr));
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER category_named AFTER INSERT OR UPDATE OF name_ar, name_en, name_fr ON category FOR EACH ROW EXECUTE FUNCTION category_named();
-- +goose StatementBegin
CREATE FUNCTION brand_named() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM search_name_write(NEW.name);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER brand_named AFTER INSERT OR UPDATE OF name ON brand FOR EACH ROW EXECUTE FUNCTION brand_named();
SELECT search_name_write(concat_ws(' ', name_ar, name_en, name_fr)) FROM category;
SELECT search_name_write(name) FROM brand;

-- +goose Down
DROP TRIGGER brand_named ON brand;
DROP TRIGGER category_named ON category;
DROP FUNCTION brand_named(), category_named(), search_name_write(text);
DROP INDEX brand_begun, category_begun, search_word_begun;
