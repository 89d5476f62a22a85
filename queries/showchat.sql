-- The chat's row, which orders all that is written in it, with what its show is. Its lock is taken before anything else is read.
-- name: ShowChatLock :one
SELECT sqlc.embed(c), s.host_id, s.status
FROM show_chat c JOIN show s ON s.id = c.show_id
WHERE c.show_id = @show_id
FOR UPDATE OF c;

-- name: ShowChatHost :one
SELECT s.host_id, u.name FROM show s JOIN app_user u ON u.id = s.host_id WHERE s.id = @show_id;

-- name: ShowChatInsert :exec
INSERT INTO show_chat (show_id) VALUES (@show_id) ON CONFLICT (show_id) DO NOTHING;

-- name: ShowChatClock :one
SELECT clock_timestamp()::timestamptz;

-- name: ShowChatAdvance :exec
UPDATE show_chat SET messages = @messages WHERE show_id = @show_id;

-- name: ShowChatSettings :exec
UPDATE show_chat SET slow_mode = @slow_mode, words = @words WHERE show_id = @show_id;

-- name: ShowChatPin :exec
UPDATE show_chat SET pinned = @pinned WHERE show_id = @show_id;

-- name: ShowChatsByShow :many
SELECT * FROM show_chat WHERE show_id = ANY (@show_ids::uuid[]) ORDER BY show_id;

-- What users are in a show, whether they have a row there or not.
-- name: ShowMembersOf :many
SELECT u.id, u.name, (m.user_id IS NOT NULL)::boolean AS known,
       coalesce(m.moderator, false)::boolean AS moderator, m.muted_until, coalesce(m.banned, false)::boolean AS banned
FROM app_user u LEFT JOIN show_member m ON m.show_id = @show_id AND m.user_id = u.id
WHERE u.id = ANY (@user_ids::uuid[])
ORDER BY u.id;

-- name: ShowMembersInsert :exec
INSERT INTO show_member (show_id, user_id, handle)
SELECT @show_id, unnest(@user_ids::uuid[]), unnest(@handles::text[])
ON CONFLICT (show_id, user_id) DO NOTHING;

-- name: ShowMemberUpdate :exec
UPDATE show_member SET moderator = @moderator, muted_until = @muted_until, banned = @banned
WHERE show_id = @show_id AND user_id = @user_id;

-- Whom names mean in a show: of those who share one, who came first.
-- name: ShowMembersByHandle :many
SELECT DISTINCT ON (handle) handle, user_id
FROM show_member
WHERE show_id = @show_id AND handle = ANY (@handles::text[])
ORDER BY handle, since, user_id;

-- name: ShowModerators :many
SELECT user_id FROM show_member WHERE show_id = @show_id AND moderator ORDER BY since, user_id;

-- Of several users those who are banned from a show.
-- name: ShowBanned :many
SELECT user_id FROM show_member WHERE show_id = @show_id AND banned AND user_id = ANY (@user_ids::uuid[]) ORDER BY user_id;

-- When authors wrote their newest messages of a show, the newest first, as many as the rules look at.
-- name: ShowMessagesRecent :many
SELECT m.author_id, m.sent_at
FROM unnest(@author_ids::uuid[]) AS a (id),
     LATERAL (SELECT author_id, number, sent_at FROM show_message
              WHERE show_id = @show_id AND author_id = a.id ORDER BY number DESC LIMIT @most) m
ORDER BY a.id, m.number DESC;

-- LIMIT has each key looked up, as in BidAsk.
-- name: ShowMessagesByKey :many
SELECT m.* FROM (SELECT unnest(@author_ids::uuid[]) AS author_id, unnest(@keys::text[]) AS key) k
CROSS JOIN LATERAL (SELECT * FROM show_message WHERE show_id = @show_id AND author_id = k.author_id AND idempotency_key = k.key LIMIT 1) m
ORDER BY m.number;

-- Of several ids those of messages of a show that are not deleted.
-- name: ShowMessagesStanding :many
SELECT id FROM show_message WHERE show_id = @show_id AND id = ANY (@ids::uuid[]) AND deleted_at IS NULL ORDER BY id;

-- Mentions are arrays of their own, as text, because unnest flattens arrays of arrays. The zero id replies to nothing.
-- name: ShowMessagesInsert :exec
INSERT INTO show_message (id, show_id, number, author_id, body, reply_to, mentions, idempotency_key, sent_at)
SELECT m.id, @show_id, m.number, m.author_id, m.body, nullif(m.reply_to, '00000000-0000-0000-0000-000000000000'),
       m.mentions::uuid[], m.key, @sent_at
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@numbers::bigint[]) AS number, unnest(@author_ids::uuid[]) AS author_id,
             unnest(@bodies::text[]) AS body, unnest(@replies::uuid[]) AS reply_to, unnest(@mentions::text[]) AS mentions,
             unnest(@keys::text[]) AS key) m;

-- name: ShowMessagesByID :many
SELECT * FROM show_message WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- name: ShowMessageRange :many
SELECT * FROM show_message WHERE show_id = @show_id AND number BETWEEN @first AND @last ORDER BY number;

-- Of each of some shows, a page.
-- name: ShowMessagePage :many
SELECT m.*
FROM (SELECT unnest(@shows::uuid[]) AS id) s
JOIN show_message m ON m.id = ANY (ARRAY(SELECT l.id FROM show_message l WHERE l.show_id = s.id AND l.number < @before ORDER BY l.number DESC LIMIT @page_size))
ORDER BY m.show_id, m.number DESC;

-- name: ShowMessageDelete :exec
UPDATE show_message SET deleted_at = coalesce(deleted_at, @at) WHERE id = @id;

-- name: ShowModerationInsert :exec
INSERT INTO show_moderation (id, show_id, number, actor_id, action, user_id, message_id, until, slow_mode, words, reason, at)
SELECT @id, @show_id, coalesce(max(number), 0) + 1, @actor_id, @action, sqlc.narg(user_id), sqlc.narg(message_id), sqlc.narg(until),
       sqlc.narg(slow_mode), sqlc.narg(words), @reason, @at
FROM show_moderation WHERE show_id = @show_id;

-- Whether a user is the host or a moderator of a show.
-- name: ShowKeeps :one
SELECT (EXISTS (SELECT 1 FROM show s WHERE s.id = @show_id AND s.host_id = @user_id)
    OR EXISTS (SELECT 1 FROM show_member m WHERE m.show_id = @show_id AND m.user_id = @user_id AND m.moderator))::boolean;

-- name: ShowModerationPage :many
SELECT * FROM show_moderation
WHERE show_id = @show_id AND number < @before
ORDER BY number DESC
LIMIT @page_size;
