-- Takes a key that nobody has, or one whose claim has run out without an answer; no row: look why not. The claim
-- need not be on disk before what it guards: the commit of that writes it out as well.
-- name: IdempotencyClaim :one
WITH unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO idempotency_answer AS a (user_id, operation, key, input_hash, selection_hash, claim, locked_until)
SELECT @user_id::uuid, @operation::text, @key::text, @input_hash::bytea, @selection_hash::bytea, @claim::uuid,
       clock_timestamp() + make_interval(secs => @lease_seconds::float8)
FROM unhurried
ON CONFLICT (user_id, operation, key) DO UPDATE
SET selection_hash = excluded.selection_hash, claim = excluded.claim, locked_until = excluded.locked_until
WHERE a.answer IS NULL AND a.locked_until <= clock_timestamp() AND a.input_hash = excluded.input_hash
RETURNING a.claim;

-- name: IdempotencyGet :one
SELECT * FROM idempotency_answer WHERE user_id = @user_id AND operation = @operation AND key = @key;

-- name: IdempotencyRenew :exec
UPDATE idempotency_answer SET locked_until = clock_timestamp() + make_interval(secs => @lease_seconds::float8)
WHERE user_id = @user_id AND operation = @operation AND key = @key AND claim = @claim AND answer IS NULL;

-- The first answer counts, whoever holds the claim by now; no row: there is one, or another selection is waited for.
-- name: IdempotencyKeep :execrows
UPDATE idempotency_answer
SET answer = @answer::bytea, refusals = sqlc.narg('refusals')::jsonb, answered_at = clock_timestamp()
WHERE user_id = @user_id AND operation = @operation AND key = @key AND selection_hash = @selection_hash AND answer IS NULL;

-- name: IdempotencyGiveUp :exec
UPDATE idempotency_answer SET locked_until = clock_timestamp()
WHERE user_id = @user_id AND operation = @operation AND key = @key AND claim = @claim AND answer IS NULL;

-- name: IdempotencyPrune :execrows
DELETE FROM idempotency_answer a
USING (
    SELECT o.user_id, o.operation, o.key FROM idempotency_answer o
    WHERE o.created_at < clock_timestamp() - make_interval(days => @older_than_days::int) AND o.locked_until <= clock_timestamp()
    ORDER BY o.created_at
    LIMIT @page_size
    FOR UPDATE SKIP LOCKED
) old
WHERE a.user_id = old.user_id AND a.operation = old.operation AND a.key = old.key;
