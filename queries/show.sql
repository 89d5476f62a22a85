-- name: ShowInsert :one
INSERT INTO show (id, host_id, title, starts_at) VALUES (@id, @host_id, @title, @starts_at) RETURNING *;

-- name: ShowStart :one
UPDATE show SET status = 'LIVE', started_at = clock_timestamp()
WHERE id = @id AND host_id = @host_id AND status = 'SCHEDULED'
RETURNING *;

-- name: ShowTakeLotNumber :one
UPDATE show SET lots = lots + 1
WHERE id = @id AND host_id = @host_id AND status = 'LIVE'
RETURNING lots;

-- name: ShowsByID :many
SELECT * FROM show WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- name: ShowPage :many
SELECT * FROM show
WHERE (starts_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY starts_at DESC, id DESC
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
