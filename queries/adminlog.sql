-- name: AdminActionInsert :one
INSERT INTO admin_action (id, actor_id, action, subject, reason) VALUES (@id, @actor_id, @action, @subject, @reason)
RETURNING *;

-- name: AdminActionPage :many
SELECT * FROM admin_action
WHERE (at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY at DESC, id DESC
LIMIT @page_size;

-- name: AdminActionsByID :many
SELECT * FROM admin_action WHERE id = ANY (@ids::uuid[]) ORDER BY id;
