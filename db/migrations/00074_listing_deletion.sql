-- +goose Up
-- A listing without a history may be deleted by its seller: docs/catalogue.md. What is kept of it is this row, which is also the mark that
-- lets its own transaction delete, and no other.
CREATE TABLE listing_deleted (
    listing_id uuid        PRIMARY KEY,
    seller_id  uuid        NOT NULL REFERENCES app_user (id),
    deleted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_by xid8        NOT NULL DEFAULT pg_current_xact_id()
);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON listing_deleted
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A cart tells its owner of what went away, and an index in memory of what is found no more: both outlive the listing.
ALTER TABLE cart_line DROP CONSTRAINT cart_line_variant_id_fkey;
ALTER TABLE search_document DROP CONSTRAINT search_document_listing_id_fkey;

-- Who deletes looks for what refers to the listing.
CREATE INDEX orders_of_listing ON orders (listing_id);
CREATE INDEX review_by_listing ON review (listing_id);
CREATE INDEX want_offer_of_listing ON want_offer (listing_id);
CREATE INDEX availability_wait_of_variant ON availability_wait (variant_id);
CREATE INDEX code_batch_of_variant ON code_batch (variant_id);
CREATE INDEX flash_sale_by_listing ON flash_sale (listing_id);
CREATE INDEX admin_action_of_subject ON admin_action (subject);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION listing_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was text; -- what the listing is, hidden or not
    becomes text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM listing_deleted d WHERE d.listing_id = OLD.id AND d.deleted_by = pg_current_xact_id()) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'a listing is deleted by listing_erase() only' USING ERRCODE = 'SK401';
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

-- The prices of what is deleted go with it; all others stay.
DROP TRIGGER price_change_refuse ON price_change;
CREATE TRIGGER price_change_refuse BEFORE UPDATE OR TRUNCATE ON price_change
    FOR EACH STATEMENT EXECUTE FUNCTION price_change_refuse();
-- +goose StatementBegin
CREATE FUNCTION price_change_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM variant v JOIN listing_deleted d ON d.listing_id = v.listing_id
        WHERE v.id = OLD.variant_id AND d.deleted_by = pg_current_xact_id())
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the history of prices is only added to' USING ERRCODE = 'SK403';
END $$;
-- +goose StatementEnd
CREATE TRIGGER price_change_refuse_delete BEFORE DELETE ON price_change
    FOR EACH ROW EXECUTE FUNCTION price_change_refuse_delete();

-- Deletes a listing of a seller's own, with all that is its own, or says by what history it stays. Its photos are left to who called.
-- p_subject is what it is called in the log of staff. Locks: listing → variants → stock → document.
-- +goose StatementBegin
CREATE FUNCTION listing_erase(p_listing uuid, p_seller uuid, p_subject text) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    l listing;
    variants uuid[];
    kept text[];
BEGIN
    SELECT * INTO l FROM listing WHERE id = p_listing AND seller_id = p_seller FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such listing of that seller' USING ERRCODE = 'SK401';
    END IF;
    -- What begins to refer to these meanwhile is waited for here and seen below, or waits for us and finds nothing.
    PERFORM FROM variant WHERE listing_id = p_listing ORDER BY id FOR UPDATE;
    variants := ARRAY(SELECT id FROM variant WHERE listing_id = p_listing);
    PERFORM FROM stock WHERE variant_id = ANY (variants) ORDER BY variant_id, location_id FOR UPDATE;
    kept := array_remove(ARRAY[
        CASE WHEN EXISTS (SELECT FROM orders WHERE listing_id = p_listing) THEN 'ORDER' END,
        CASE WHEN EXISTS (SELECT FROM auction WHERE listing_id = p_listing) THEN 'AUCTION' END,
        CASE WHEN EXISTS (SELECT FROM reservation_line WHERE variant_id = ANY (variants)) THEN 'RESERVATION' END,
        CASE WHEN EXISTS (SELECT FROM flash_sale WHERE listing_id = p_listing) THEN 'FLASH_SALE' END,
        CASE WHEN EXISTS (SELECT FROM stock_movement WHERE variant_id = ANY (variants)) THEN 'STOCK' END,
        CASE WHEN EXISTS (SELECT FROM code_batch WHERE variant_id = ANY (variants)) THEN 'CODES' END,
        CASE WHEN EXISTS (SELECT FROM conversation WHERE listing_id = p_listing) THEN 'CONVERSATION' END,
        CASE WHEN l.status = 'HIDDEN' OR EXISTS (SELECT FROM admin_action WHERE subject = p_subject) THEN 'MODERATION' END
    ], NULL);
    IF cardinality(kept) > 0 THEN
        RETURN kept;
    END IF;
    IF l.status NOT IN ('DRAFT', 'ACTIVE', 'ENDED') THEN
        RAISE EXCEPTION 'a listing that is % has a history', l.status USING ERRCODE = 'SK401';
    END IF;
    INSERT INTO listing_deleted (listing_id, seller_id) VALUES (p_listing, p_seller);
    DELETE FROM wish WHERE listing_id = p_listing;
    DELETE FROM availability_wait WHERE variant_id = ANY (variants);
    DELETE FROM want_offer WHERE listing_id = p_listing;
    DELETE FROM saved_search_hit WHERE listing_id = p_listing;
    DELETE FROM listing_photo WHERE listing_id = p_listing;
    DELETE FROM listing_attribute WHERE listing_id = p_listing;
    DELETE FROM listing_place WHERE listing_id = p_listing;
    DELETE FROM price_change WHERE variant_id = ANY (variants);
    DELETE FROM stock WHERE variant_id = ANY (variants);
    DELETE FROM variant WHERE listing_id = p_listing;
    DELETE FROM listing WHERE id = p_listing;
    -- An empty document, which is not found and tells so.
    UPDATE search_document
    SET listed = false, published_at = NULL, price = NULL, currency = NULL, rating = 0, x = NULL, y = NULL, z = NULL, facets = '{}', words = ''
    WHERE listing_id = p_listing;
    RETURN kept;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION listing_erase(uuid, uuid, text);
DROP TRIGGER price_change_refuse_delete ON price_change;
DROP FUNCTION price_change_refuse_delete();
DROP TRIGGER price_change_refuse ON price_change;
CREATE TRIGGER price_change_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON price_change
    FOR EACH STATEMENT EXECUTE FUNCTION price_change_refuse();
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION listing_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
DROP INDEX admin_action_of_subject, flash_sale_by_listing, code_batch_of_variant, availability_wait_of_variant, want_offer_of_listing, review_by_listing,
    orders_of_listing;
DELETE FROM search_document d WHERE NOT EXISTS (SELECT FROM listing l WHERE l.id = d.listing_id);
ALTER TABLE search_document ADD CONSTRAINT search_document_listing_id_fkey FOREIGN KEY (listing_id) REFERENCES listing (id);
DELETE FROM cart_line c WHERE NOT EXISTS (SELECT FROM variant v WHERE v.id = c.variant_id);
ALTER TABLE cart_line ADD CONSTRAINT cart_line_variant_id_fkey FOREIGN KEY (variant_id) REFERENCES variant (id);
DROP TABLE listing_deleted;
