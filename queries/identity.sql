-- name: UserInsert :exec
INSERT INTO app_user (id, email, name, role, password_hash)
VALUES (@id, @email, @name, @role, @password_hash);

-- name: UserByEmail :one
SELECT * FROM app_user WHERE lower(email) = lower(@email::text);

-- name: UsersByID :many
SELECT u.* FROM unnest((SELECT @ids::uuid[])) AS wanted (id)
CROSS JOIN LATERAL (SELECT * FROM app_user WHERE app_user.id = wanted.id OFFSET 0) u
ORDER BY u.id;

-- None for a user who is banned. The lock makes a ban and a sign-in of the same moment take turns: the ban sees the
-- session and ends it, or the sign-in sees the ban.
-- name: SessionInsert :one
INSERT INTO session (id, user_id, token_hash, expires_at)
SELECT @id, u.id, @token_hash, clock_timestamp() + make_interval(secs => @ttl_seconds::integer)
FROM app_user u WHERE u.id = @user_id AND u.banned_at IS NULL
FOR SHARE
RETURNING expires_at;

-- name: SessionUser :many
SELECT s.id AS session_id, s.token_hash, s.expires_at, sqlc.embed(u)
FROM session s JOIN app_user u ON u.id = s.user_id
WHERE s.token_hash = ANY ((SELECT @token_hashes::bytea[])::bytea[]) AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
ORDER BY s.id;

-- name: SessionRevoke :exec
UPDATE session SET revoked_at = clock_timestamp() WHERE id = @id AND revoked_at IS NULL;

-- What was revoked lately, a little more than asked for: the time is from before the commit.
-- name: SessionsRevokedLately :many
SELECT id FROM session
WHERE revoked_at > clock_timestamp() - make_interval(secs => @seconds::float8)
ORDER BY id;

-- The lock is a ban's, or its end's.
-- name: UserLock :one
SELECT * FROM app_user WHERE id = @id FOR NO KEY UPDATE;

-- name: UserBan :one
UPDATE app_user SET banned_at = clock_timestamp(), ban_reason = @reason::text WHERE id = @id RETURNING *;

-- name: UserUnban :exec
UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = @id;

-- name: UserSessionsRevoke :exec
UPDATE session SET revoked_at = clock_timestamp() WHERE user_id = @user_id AND revoked_at IS NULL;

-- None where it is set already, or in the future.
-- name: UserBirthDateSet :one
UPDATE app_user SET birth_date = @birth_date::date
WHERE id = @id AND birth_date IS NULL AND @birth_date::date <= current_date
RETURNING *;

-- name: UserTierSet :one
UPDATE app_user SET tier = @tier WHERE id = @id RETURNING *;
