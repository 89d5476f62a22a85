-- +goose Up
-- That something is not for everybody any more: servers forget what they have kept of it (docs/realtime.md). Each row is one of them; its
-- transaction tells a server which of them it has not seen yet, in whatever order they were committed.
CREATE TABLE takedown (
    id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8        NOT NULL DEFAULT pg_current_xact_id(),
    at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX takedown_xid ON takedown (xid);
CREATE INDEX takedown_at ON takedown (at);

-- Rows of yesterday have been seen by every server there is; who takes down tidies, and waits for nobody who does the same.
-- +goose StatementBegin
CREATE FUNCTION take_down() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO takedown DEFAULT VALUES;
    DELETE FROM takedown WHERE id IN (
        SELECT id FROM takedown WHERE at < clock_timestamp() - interval '1 day' ORDER BY at LIMIT 100 FOR UPDATE SKIP LOCKED
    );
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER listing_taken_down AFTER UPDATE OF status, minimum_tier ON listing FOR EACH ROW
    WHEN (NEW.status IN ('DRAFT', 'HIDDEN') AND NEW.status <> OLD.status OR NEW.minimum_tier IS DISTINCT FROM OLD.minimum_tier AND NEW.minimum_tier IS NOT NULL)
    EXECUTE FUNCTION take_down();
CREATE TRIGGER listing_gone AFTER DELETE ON listing FOR EACH STATEMENT EXECUTE FUNCTION take_down();
CREATE TRIGGER seller_taken_down AFTER UPDATE OF banned_at ON app_user FOR EACH ROW
    WHEN (OLD.banned_at IS NULL AND NEW.banned_at IS NOT NULL) EXECUTE FUNCTION take_down();

-- +goose Down
DROP TRIGGER seller_taken_down ON app_user;
DROP TRIGGER listing_gone ON listing;
DROP TRIGGER listing_taken_down ON listing;
DROP FUNCTION take_down();
DROP TABLE takedown;
