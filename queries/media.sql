-- name: PhotoInsert :exec
INSERT INTO photo (id, owner_id, content_type, bytes, store) VALUES (@id, @owner_id, @content_type, @bytes, @store);

-- name: PhotoByID :one
SELECT * FROM photo WHERE id = @id;

-- name: PhotosByID :many
SELECT * FROM photo WHERE id = ANY (@ids::uuid[]) AND status IN ('STORED', 'READY') ORDER BY id;

-- Whether everybody may see it: it is on a listing that everybody may see, or covers a show.
-- name: PhotoIsPublic :one
SELECT (EXISTS (SELECT FROM listing_photo lp JOIN public_listing l ON l.id = lp.listing_id WHERE lp.photo_id = @id)
     OR EXISTS (SELECT FROM show s JOIN app_user u ON u.id = s.host_id WHERE s.cover_id = @id AND u.banned_at IS NULL))::boolean;

-- Somebody's own whose bytes have come and that are on no listing, under their locks, so that they are not swept away while they are taken.
-- name: PhotosOwnedFree :many
SELECT * FROM photo p
WHERE p.id = ANY (@ids::uuid[]) AND p.owner_id = @owner_id AND p.status IN ('STORED', 'READY')
  AND NOT EXISTS (SELECT 1 FROM listing_photo lp WHERE lp.photo_id = p.id)
ORDER BY p.id
FOR NO KEY UPDATE;

-- name: PhotoOwnLock :one
SELECT * FROM photo WHERE id = @id AND owner_id = @owner_id AND status IN ('STORED', 'READY') FOR NO KEY UPDATE;

-- name: PhotoStored :execrows
UPDATE photo SET status = 'STORED', width = @width, height = @height, store = @store WHERE id = @id AND status = 'PENDING';

-- name: PhotoReady :execrows
UPDATE photo SET status = 'READY', width = @width, height = @height, widths = @widths WHERE id = @id AND status = 'STORED';

-- name: PhotoBroken :execrows
UPDATE photo SET status = 'BROKEN' WHERE id = @id AND status = 'STORED';

-- What was announced and never came, or came to nothing, and what nobody has taken: locked first, so that the next statement sees who has.
-- name: PhotosStale :many
SELECT id FROM photo
WHERE status IN ('PENDING', 'BROKEN') AND created_at < clock_timestamp() - make_interval(secs => @upload_seconds::float8)
ORDER BY created_at, id
LIMIT @batch
FOR UPDATE SKIP LOCKED;

-- name: PhotosUnused :many
SELECT p.id FROM photo p
WHERE p.id > @after AND p.status IN ('STORED', 'READY') AND p.created_at < clock_timestamp() - make_interval(secs => @unused_seconds::float8)
  AND NOT EXISTS (SELECT 1 FROM listing_photo lp WHERE lp.photo_id = p.id)
  AND NOT EXISTS (SELECT 1 FROM show s WHERE s.cover_id = p.id)
ORDER BY p.id
LIMIT @batch
FOR UPDATE OF p SKIP LOCKED;

-- Gives up photos that are locked, but for those that something has by now. A table that refers to photos is named here and above.
-- name: PhotosGiveUp :many
UPDATE photo p SET status = 'GONE'
WHERE p.id = ANY (@ids::uuid[]) AND p.status <> 'GONE'
  AND NOT EXISTS (SELECT 1 FROM listing_photo lp WHERE lp.photo_id = p.id)
  AND NOT EXISTS (SELECT 1 FROM show s WHERE s.cover_id = p.id)
RETURNING p.store;

-- name: PhotosLock :many
SELECT id FROM photo WHERE id = ANY (@ids::uuid[]) ORDER BY id FOR UPDATE;

-- name: PhotosGone :many
SELECT * FROM photo WHERE store = @store AND status = 'GONE' AND erased_at IS NULL ORDER BY id LIMIT @batch;

-- name: PhotosErased :exec
UPDATE photo SET erased_at = clock_timestamp() WHERE id = ANY (@ids::uuid[]) AND erased_at IS NULL;

-- The stores that have something to do with photos.
-- name: PhotoStores :many
SELECT DISTINCT store FROM photo ORDER BY store;

-- What was kept before disks had names.
-- name: PhotosOfNoStore :many
SELECT * FROM photo WHERE store = 'disk' AND status = 'STORED' AND id > @after ORDER BY id LIMIT @batch;

-- name: PhotoAdopt :execrows
UPDATE photo SET store = @store WHERE id = @id AND store = 'disk' AND status = 'STORED';

-- Of the photos that objects are named by, those whose objects are wanted.
-- name: PhotosKnown :many
SELECT id, store, status, widths FROM photo WHERE id = ANY (@ids::uuid[]) AND status <> 'GONE' ORDER BY id;
