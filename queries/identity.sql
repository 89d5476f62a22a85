-- name: UserInsert :exec
INSERT INTO app_user (id, email, name, role, password_hash)
VALUES (@id, @email, @name, @role, @password_hash);

-- name: UserByEmail :one
SELECT * FROM app_user WHERE lower(email) = lower(@email::text);

-- name: UsersByID :many
SELECT * FROM app_user WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- name: SessionInsert :one
INSERT INTO session (id, user_id, token_hash, expires_at)
VALUES (@id, @user_id, @token_hash, clock_timestamp() + make_interval(secs => @ttl_seconds::integer))
RETURNING expires_at;

-- name: SessionUser :one
SELECT s.id AS session_id, s.expires_at, sqlc.embed(u)
FROM session s JOIN app_user u ON u.id = s.user_id
WHERE s.token_hash = @token_hash AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp();

-- name: SessionRevoke :exec
UPDATE session SET revoked_at = clock_timestamp() WHERE id = @id AND revoked_at IS NULL;

-- What was revoked lately, a little more than asked for: the time is from before the commit.
-- name: SessionsRevokedLately :many
SELECT id FROM session
WHERE revoked_at > clock_timestamp() - make_interval(secs => @seconds::float8)
ORDER BY id;
