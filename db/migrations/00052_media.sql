-- +goose Up
-- Photos of several sizes, in a store: docs/media.md. Those that are there stay as they are, STORED and without widths, and are served as they
-- are until a server that has their file has made them anew.
ALTER TABLE photo
    DROP CONSTRAINT photo_content_type_check,
    DROP CONSTRAINT photo_bytes_check,
    DROP CONSTRAINT photo_status_check,
    -- What is some server's, written before its disk had a name, is in 'disk'.
    ADD COLUMN store     text      NOT NULL DEFAULT 'disk' CHECK (store ~ '^(s3|disk(-[a-z0-9]{1,40})?)$'),
    ADD COLUMN widths    integer[] NOT NULL DEFAULT '{}', -- at which it is served, the largest first
    ADD COLUMN erased_at timestamptz,                     -- when the objects of what is GONE went
    ADD CONSTRAINT photo_content_type CHECK (content_type IN ('image/jpeg', 'image/png', 'image/webp')),
    ADD CONSTRAINT photo_bytes CHECK (bytes BETWEEN 1 AND 20971520),
    ADD CONSTRAINT photo_status CHECK (status IN ('PENDING', 'STORED', 'READY', 'BROKEN', 'GONE')),
    ADD CONSTRAINT photo_widths CHECK (status <> 'READY' OR widths <> '{}'),
    ADD CONSTRAINT photo_erased CHECK (erased_at IS NULL OR status = 'GONE');
CREATE INDEX photo_waiting ON photo (created_at, id) WHERE status IN ('PENDING', 'BROKEN');
CREATE INDEX photo_gone ON photo (store, id) WHERE status = 'GONE' AND erased_at IS NULL;
CREATE INDEX photo_of_no_store ON photo (id) WHERE store = 'disk' AND status = 'STORED';
CREATE INDEX show_cover ON show (cover_id) WHERE cover_id IS NOT NULL;

-- +goose Down
DROP INDEX show_cover, photo_of_no_store, photo_gone, photo_waiting;
DELETE FROM listing_photo lp USING photo p WHERE p.id = lp.photo_id AND p.status NOT IN ('STORED', 'READY');
UPDATE photo SET status = CASE status WHEN 'READY' THEN 'STORED' ELSE 'PENDING' END, widths = '{}', erased_at = NULL WHERE status IN ('READY', 'BROKEN', 'GONE');
ALTER TABLE photo
    DROP CONSTRAINT photo_erased, DROP CONSTRAINT photo_widths, DROP CONSTRAINT photo_status, DROP CONSTRAINT photo_bytes, DROP CONSTRAINT photo_content_type,
    DROP COLUMN erased_at, DROP COLUMN widths, DROP COLUMN store,
    ADD CONSTRAINT photo_content_type_check CHECK (content_type IN ('image/jpeg', 'image/png')) NOT VALID,
    ADD CONSTRAINT photo_bytes_check CHECK (bytes BETWEEN 1 AND 8388608) NOT VALID,
    ADD CONSTRAINT photo_status_check CHECK (status IN ('PENDING', 'STORED'));
