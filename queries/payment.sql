-- name: TopUpInsert :one
INSERT INTO top_up (id, user_id, amount, currency, payment_method, idempotency_key, request_hash)
VALUES (@id, @user_id, @amount, @currency, @payment_method, @idempotency_key, @request_hash)
ON CONFLICT (user_id, idempotency_key) DO NOTHING
RETURNING *;

-- name: TopUpByKey :one
SELECT * FROM top_up WHERE user_id = @user_id AND idempotency_key = @idempotency_key;

-- name: TopUpOfUser :one
SELECT * FROM top_up WHERE id = @id AND user_id = @user_id;

-- name: TopUpLock :one
SELECT * FROM top_up WHERE id = @id FOR UPDATE;

-- The age is the database's to tell: servers' clocks may differ.
-- name: TopUpWithAge :one
SELECT sqlc.embed(top_up), extract(epoch FROM clock_timestamp() - created_at)::bigint AS age_seconds
FROM top_up WHERE id = @id;

-- The provider's id is set once and never exchanged for another.
-- name: TopUpSetProvider :execrows
UPDATE top_up SET provider_id = @provider_id
WHERE id = @id AND status = 'PROCESSING' AND (provider_id IS NULL OR provider_id = @provider_id);

-- name: TopUpNextAttempt :execrows
UPDATE top_up SET attempt = attempt + 1 WHERE id = @id AND attempt = @attempt AND status = 'PROCESSING';

-- name: TopUpSucceed :one
UPDATE top_up
SET status = 'SUCCEEDED', charge_id = @charge_id::text, balance_txn_id = @balance_txn_id::text, fee = @fee::bigint,
    resolved_at = clock_timestamp()
WHERE id = @id AND status IN ('PROCESSING', 'REQUIRES_ACTION')
RETURNING *;

-- name: TopUpFail :one
UPDATE top_up
SET status = 'FAILED', failure_code = @failure_code::text, decline_code = @decline_code, resolved_at = clock_timestamp()
WHERE id = @id AND status IN ('PROCESSING', 'REQUIRES_ACTION')
RETURNING *;

-- name: TopUpAwaitAction :one
UPDATE top_up SET status = 'REQUIRES_ACTION' WHERE id = @id AND status IN ('PROCESSING', 'REQUIRES_ACTION')
RETURNING *;

-- What the sweep has to look at. A card's holder has until the keys are too old.
-- name: TopUpsOpen :many
SELECT id FROM top_up
WHERE id > @after_id
  AND ((status = 'PROCESSING' AND created_at < clock_timestamp() - make_interval(secs => @older_than_seconds::float8))
    OR (status = 'REQUIRES_ACTION' AND created_at < clock_timestamp() - make_interval(secs => @key_life_seconds::float8)))
ORDER BY id
LIMIT @page_size;

-- name: HoldInsert :exec
INSERT INTO hold (id, user_id, amount, currency, cause_kind, cause_id)
SELECT unnest(@ids::uuid[]), unnest(@users::uuid[]), unnest(@amounts::bigint[]), unnest(@currencies::text[]),
       @cause_kind::text, @cause_id::uuid;

-- The locks are taken in the order of the ids, whatever order the caller has them in.
-- name: HoldsLock :many
SELECT * FROM hold WHERE id = ANY (@ids::uuid[]) ORDER BY id FOR UPDATE;

-- name: HoldsResolve :execrows
UPDATE hold SET status = @status, resolved_at = clock_timestamp() WHERE id = ANY (@ids::uuid[]) AND status = 'OPEN';

-- name: HoldsOpenSum :many
SELECT currency, sum(amount)::bigint AS held, count(*) AS holds
FROM hold WHERE user_id = @user_id AND status = 'OPEN'
GROUP BY currency
ORDER BY currency;
