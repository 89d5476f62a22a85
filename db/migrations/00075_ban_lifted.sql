-- +goose Up
-- Whose ban is lifted is back on the market with all that they sell: who wishes, waits or looks for it hears of it, as of a listing that comes
-- back. (Kept searches hear by the documents.)
-- +goose StatementBegin
CREATE FUNCTION ban_lifted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO wish_change (listing_id)
    SELECT l.id FROM listing l
    WHERE l.seller_id = NEW.id AND l.status = 'ACTIVE' AND EXISTS (SELECT FROM wish w WHERE w.listing_id = l.id)
    ORDER BY l.id;
    INSERT INTO wish_change (listing_id, variant_id)
    SELECT l.id, v.id FROM listing l JOIN variant v ON v.listing_id = l.id
    WHERE l.seller_id = NEW.id AND l.status = 'ACTIVE' AND v.retired_at IS NULL
      AND (EXISTS (SELECT FROM wish w WHERE w.listing_id = l.id)
        OR EXISTS (SELECT FROM availability_wait a WHERE a.variant_id = v.id AND a.told_at IS NULL))
    ORDER BY l.id, v.position, v.id;
    INSERT INTO want_change (listing_id)
    SELECT l.id FROM listing l
    WHERE l.seller_id = NEW.id AND l.status = 'ACTIVE' AND EXISTS (SELECT FROM want w WHERE w.closed_at IS NULL AND w.expires_at > clock_timestamp())
    ORDER BY l.id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ban_lifted AFTER UPDATE OF banned_at ON app_user
    FOR EACH ROW WHEN (OLD.banned_at IS NOT NULL AND NEW.banned_at IS NULL) EXECUTE FUNCTION ban_lifted();

-- +goose Down
DROP TRIGGER ban_lifted ON app_user;
DROP FUNCTION ban_lifted();
