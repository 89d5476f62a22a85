-- name: ListingImportLimitLock :exec
SELECT pg_advisory_xact_lock(hashtextextended('listing import ' || @seller_id::text, 0));

-- name: ListingImportOpenCount :one
SELECT count(*) FROM listing_import WHERE seller_id = @seller_id AND status IN ('WAITING', 'RUNNING');

-- name: ListingImportInsert :one
INSERT INTO listing_import (id, seller_id, bytes) VALUES (@id, @seller_id, @bytes) RETURNING *;

-- name: ListingImportByID :one
SELECT * FROM listing_import WHERE id = @id;

-- name: ListingImportLock :one
SELECT * FROM listing_import WHERE id = @id FOR NO KEY UPDATE;

-- name: ListingImportPage :many
SELECT * FROM listing_import
WHERE seller_id = @seller_id AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: ListingImportReceived :exec
UPDATE listing_import SET status = 'RUNNING', touched_at = clock_timestamp() WHERE id = @id;

-- name: ListingImportPartInsert :exec
INSERT INTO listing_import_part (import_id, number, body) VALUES (@import_id, @number, @body);

-- name: ListingImportPart :one
SELECT body FROM listing_import_part WHERE import_id = @import_id AND number = @number;

-- name: ListingImportAdvance :exec
UPDATE listing_import
SET bytes_done = @bytes_done, next_line = @next_line, rows_done = rows_done + @rows_done::integer, created = created + @created::integer,
    changed = changed + @changed::integer, refused = refused + @refused::integer, touched_at = clock_timestamp()
WHERE id = @id;

-- name: ListingImportTried :exec
UPDATE listing_import SET tries = tries + 1 WHERE id = @id AND status = 'RUNNING';

-- name: ListingImportErrorsInsert :exec
INSERT INTO listing_import_error (import_id, number, line, column_name, code, message)
SELECT @import_id, e.place + @last_number::integer, e.line, nullif(e.column_name, ''), e.code, e.message
FROM (SELECT generate_subscripts(@lines::integer[], 1) AS place, unnest(@lines::integer[]) AS line, unnest(@column_names::text[]) AS column_name,
             unnest(@codes::text[]) AS code, unnest(@messages::text[]) AS message) e;

-- name: ListingImportErrorPage :many
SELECT * FROM listing_import_error
WHERE import_id = @import_id AND number > @after_number
ORDER BY number
LIMIT @page_size;

-- name: ListingImportEnd :one
UPDATE listing_import
SET status = @status, failure = @failure, failed_at = @failed_at, touched_at = clock_timestamp(), ended_at = clock_timestamp()
WHERE id = @id
RETURNING *;

-- name: ListingImportPartsDelete :exec
DELETE FROM listing_import_part WHERE import_id = @import_id;

-- name: ListingImportsIdle :many
-- Whoever worked at these has stopped.
SELECT id FROM listing_import WHERE status = 'RUNNING' AND touched_at < clock_timestamp() - make_interval(secs => @seconds::float8) ORDER BY touched_at LIMIT 100
FOR NO KEY UPDATE SKIP LOCKED;

-- name: ListingImportsTouch :exec
UPDATE listing_import SET touched_at = clock_timestamp() WHERE id = ANY (@ids::uuid[]);

-- name: ListingImportPrune :execrows
DELETE FROM listing_import WHERE id IN (
    SELECT i.id FROM listing_import i
    WHERE (i.status = 'WAITING' AND i.created_at < clock_timestamp() - interval '1 day') OR i.ended_at < clock_timestamp() - interval '90 days'
    ORDER BY i.id LIMIT @most);
