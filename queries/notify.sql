-- The time is read behind the lock of each recipient's feed, so that a recipient's notices have the order of their commits.
-- name: NotificationInsertAll :many
INSERT INTO notification (id, recipient_id, kind, subject, parameters, dedup_key)
SELECT n.id, n.recipient_id, n.kind, n.subject, n.parameters::jsonb, n.dedup_key
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@recipients::uuid[]) AS recipient_id, unnest(@kinds::text[]) AS kind,
             unnest(@subjects::text[]) AS subject, unnest(@parameters::text[]) AS parameters, unnest(@dedup_keys::text[]) AS dedup_key) n
ON CONFLICT (recipient_id, dedup_key) DO NOTHING
RETURNING id, recipient_id;

-- name: NotificationPage :many
SELECT * FROM notification
WHERE recipient_id = @recipient_id AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
  AND (NOT @unread::boolean OR read_at IS NULL)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- No more than so many are counted: nobody reads a greater number, and it costs the same for everybody.
-- name: NotificationUnread :one
SELECT count(*)::integer FROM (SELECT FROM notification WHERE recipient_id = @recipient_id AND read_at IS NULL LIMIT @most) n;

-- name: NotificationOf :one
SELECT * FROM notification WHERE id = @id AND recipient_id = @recipient_id;

-- name: NotificationRead :one
UPDATE notification SET read_at = coalesce(read_at, clock_timestamp()) WHERE id = @id AND recipient_id = @recipient_id RETURNING *;

-- name: NotificationReadUpTo :exec
UPDATE notification SET read_at = clock_timestamp()
WHERE id IN (
    SELECT n.id FROM notification n
    WHERE n.recipient_id = @recipient_id AND n.read_at IS NULL AND (n.created_at, n.id) <= (@up_to_at::timestamptz, @up_to_id::uuid)
    ORDER BY n.id FOR UPDATE);

-- name: NotificationPrune :execrows
DELETE FROM notification
WHERE id IN (
    SELECT n.id FROM notification n
    WHERE n.created_at < clock_timestamp() - make_interval(days => @keep_days)
    ORDER BY n.created_at LIMIT @batch FOR UPDATE SKIP LOCKED);
