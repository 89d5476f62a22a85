-- name: ShowInsert :one
INSERT INTO show (id, host_id, title, description, cover_id, starts_at, categories, language)
VALUES (@id, @host_id, @title, @description, sqlc.narg(cover_id), @starts_at, @categories::text[], @language)
RETURNING *;

-- name: ShowLock :one
SELECT * FROM show WHERE id = @id FOR UPDATE;

-- Keeps a host from scheduling in two transactions at once, so that their shows can be counted.
-- name: ShowHostLock :exec
SELECT pg_advisory_xact_lock(hashtextextended('show host ' || @host_id::text, 0));

-- name: ShowsScheduled :one
SELECT count(*) FROM show WHERE host_id = @host_id AND status = 'SCHEDULED';

-- name: ShowUpdate :one
UPDATE show
SET title = @title, description = @description, cover_id = sqlc.narg(cover_id), starts_at = @starts_at, categories = @categories::text[],
    language = @language
WHERE id = @id
RETURNING *;

-- name: ShowStart :one
UPDATE show SET status = 'LIVE', started_at = clock_timestamp() WHERE id = @id RETURNING *;

-- Ends it, or cancels it.
-- name: ShowFinish :one
UPDATE show SET status = @status, ended_at = clock_timestamp(), pinned_lot = NULL WHERE id = @id RETURNING *;

-- name: ShowPin :one
UPDATE show SET pinned_lot = sqlc.narg(lot) WHERE id = @id RETURNING *;

-- name: ShowTakeLotNumber :one
UPDATE show SET lots = lots + 1 WHERE id = @id RETURNING lots;

-- name: ShowsByID :many
SELECT * FROM show WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- name: ShowsLatest :many
SELECT * FROM show
WHERE (sqlc.narg(status)::text IS NULL OR status = sqlc.narg(status))
  AND (sqlc.narg(host_id)::uuid IS NULL OR host_id = sqlc.narg(host_id))
  AND (sqlc.narg(language)::text IS NULL OR language = sqlc.narg(language))
  AND (sqlc.narg(category)::text IS NULL OR categories @> ARRAY[sqlc.narg(category)::text])
  AND (sqlc.narg(follower_id)::uuid IS NULL OR EXISTS (
      SELECT 1 FROM follow f WHERE f.followed_id = show.host_id AND f.follower_id = sqlc.narg(follower_id) AND f.ended_at IS NULL))
  AND (starts_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY starts_at DESC, id DESC
LIMIT @page_size;

-- name: ShowsSoonest :many
SELECT * FROM show
WHERE (sqlc.narg(status)::text IS NULL OR status = sqlc.narg(status))
  AND (sqlc.narg(host_id)::uuid IS NULL OR host_id = sqlc.narg(host_id))
  AND (sqlc.narg(language)::text IS NULL OR language = sqlc.narg(language))
  AND (sqlc.narg(category)::text IS NULL OR categories @> ARRAY[sqlc.narg(category)::text])
  AND (sqlc.narg(follower_id)::uuid IS NULL OR EXISTS (
      SELECT 1 FROM follow f WHERE f.followed_id = show.host_id AND f.follower_id = sqlc.narg(follower_id) AND f.ended_at IS NULL))
  AND (starts_at, id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY starts_at, id
LIMIT @page_size;

-- The row's lock makes commit order version order.
-- name: ShowFeedAdvance :one
INSERT INTO show_feed (show_id, version) VALUES (@show_id, 1)
ON CONFLICT (show_id) DO UPDATE SET version = show_feed.version + 1
RETURNING version;

-- The show and its feed's version, as of one moment.
-- name: ShowSnapshot :one
SELECT sqlc.embed(s), coalesce(f.version, 0)::bigint AS version, clock_timestamp()::timestamptz AS at
FROM show s LEFT JOIN show_feed f ON f.show_id = s.id
WHERE s.id = @id;

-- name: ShowAnnouncementInsert :exec
INSERT INTO show_announcement (show_id, kind) VALUES (@show_id, @kind);

-- name: ShowAnnouncementLock :one
SELECT a.after_id, a.done_at, s.host_id, s.status
FROM show_announcement a JOIN show s ON s.id = a.show_id
WHERE a.show_id = @show_id AND a.kind = @kind
FOR UPDATE OF a;

-- name: ShowAnnouncementAdvance :exec
UPDATE show_announcement
SET after_id = @after_id, told = told + @told, done_at = CASE WHEN @done::boolean THEN clock_timestamp() END
WHERE show_id = @show_id AND kind = @kind;
