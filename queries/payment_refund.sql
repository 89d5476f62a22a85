-- name: RefundInsert :exec
INSERT INTO refund (id, user_id, cause_kind, cause_id, source_kind, source_id, intent_id, amount, currency)
VALUES (@id, @user_id, @cause_kind, @cause_id, @source_kind, @source_id, @intent_id, @amount, @currency);

-- name: RefundGet :one
SELECT * FROM refund WHERE id = @id;

-- name: RefundOfUser :one
SELECT * FROM refund WHERE id = @id AND user_id = @user_id;

-- name: RefundsOfUser :many
SELECT * FROM refund WHERE id = ANY (@ids::uuid[]) AND user_id = @user_id ORDER BY id;

-- name: RefundOfProvider :one
SELECT * FROM refund WHERE provider_id = @provider_id::text;

-- name: RefundsOfCause :many
SELECT * FROM refund WHERE cause_kind = @cause_kind AND cause_id = @cause_id ORDER BY id;

-- name: RefundsOfCauses :many
SELECT * FROM refund WHERE cause_kind = @cause_kind AND cause_id = ANY (@cause_ids::uuid[]) ORDER BY id;

-- name: RefundLock :one
SELECT * FROM refund WHERE id = @id FOR UPDATE;

-- The age of the attempt is the database's to tell: servers' clocks may differ.
-- name: RefundWithAge :one
SELECT sqlc.embed(refund), extract(epoch FROM clock_timestamp() - attempt_at)::bigint AS age_seconds
FROM refund WHERE id = @id;

-- One of those who find the attempt spent begins the next.
-- name: RefundNextAttempt :one
UPDATE refund SET attempt = attempt + 1, attempt_at = clock_timestamp()
WHERE id = @id AND attempt = @attempt AND status = 'PROCESSING' AND provider_id IS NULL
RETURNING *;

-- name: RefundSetProvider :one
UPDATE refund SET provider_id = @provider_id::text WHERE id = @id RETURNING *;

-- name: RefundSettle :one
UPDATE refund SET status = 'SUCCEEDED', balance_txn_id = @balance_txn_id::text, settled_at = clock_timestamp()
WHERE id = @id
RETURNING *;

-- name: RefundFail :one
UPDATE refund
SET status = 'FAILED', failure_code = @failure_code::text, failure_txn_id = sqlc.narg('failure_txn_id'), failed_at = clock_timestamp()
WHERE id = @id
RETURNING *;

-- name: RefundsOpen :many
SELECT id FROM refund
WHERE id > @after_id AND status = 'PROCESSING' AND created_at < clock_timestamp() - make_interval(secs => @older_than_seconds::float8)
ORDER BY id
LIMIT @page_size;
