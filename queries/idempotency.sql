-- Takes those of some keys that nobody has, or whose claim has run out without an answer; where a claim does not come back, look
-- why. The claims need not be on disk before what they guard: the commit of that writes them out as well. Keys are
-- locked in their order.
-- name: IdempotencyClaim :many
WITH unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO idempotency_answer AS a (user_id, operation, key, input_hash, selection_hash, claim, locked_until)
SELECT q.user_id, q.operation, q.key, q.input_hash, q.selection_hash, q.claim, clock_timestamp() + make_interval(secs => @lease_seconds::float8)
FROM unhurried, (
    SELECT unnest(@user_ids::uuid[]) AS user_id, unnest(@operations::text[]) AS operation, unnest(@keys::text[]) AS key,
           unnest(@input_hashes::bytea[]) AS input_hash, unnest(@selection_hashes::bytea[]) AS selection_hash, unnest(@claims::uuid[]) AS claim
    ORDER BY user_id, operation, key
) q
ON CONFLICT (user_id, operation, key) DO UPDATE
SET selection_hash = excluded.selection_hash, claim = excluded.claim, locked_until = excluded.locked_until
WHERE a.answer IS NULL AND a.locked_until <= clock_timestamp() AND a.input_hash = excluded.input_hash
RETURNING a.claim;

-- LIMIT has each key looked up, as in BidAsk.
-- name: IdempotencyGet :many
SELECT a.* FROM (
    SELECT unnest(@user_ids::uuid[]) AS user_id, unnest(@operations::text[]) AS operation, unnest(@keys::text[]) AS key
) q
CROSS JOIN LATERAL (SELECT * FROM idempotency_answer WHERE user_id = q.user_id AND operation = q.operation AND key = q.key LIMIT 1) a
ORDER BY a.user_id, a.operation, a.key;

-- name: IdempotencyRenew :exec
UPDATE idempotency_answer SET locked_until = clock_timestamp() + make_interval(secs => @lease_seconds::float8)
WHERE user_id = @user_id AND operation = @operation AND key = @key AND claim = @claim AND answer IS NULL;

-- The first answer to a key counts, whoever holds its claim by now; a key that does not come back has one, or another selection is
-- waited for. Rows that stand are found by their key, in the order of the keys; one that was pruned meanwhile is made again.
-- name: IdempotencyKeep :many
INSERT INTO idempotency_answer AS a (user_id, operation, key, input_hash, selection_hash, claim, locked_until, answer, refusals, answered_at)
SELECT q.user_id, q.operation, q.key, q.input_hash, q.selection_hash, q.claim, clock_timestamp(), q.answer, nullif(q.refusals, '')::jsonb, clock_timestamp()
FROM (
    SELECT unnest(@user_ids::uuid[]) AS user_id, unnest(@operations::text[]) AS operation, unnest(@keys::text[]) AS key,
           unnest(@input_hashes::bytea[]) AS input_hash, unnest(@selection_hashes::bytea[]) AS selection_hash, unnest(@claims::uuid[]) AS claim,
           unnest(@answers::bytea[]) AS answer, unnest(@refusals::text[]) AS refusals
    ORDER BY user_id, operation, key
) q
ON CONFLICT (user_id, operation, key) DO UPDATE
SET answer = excluded.answer, refusals = excluded.refusals, answered_at = excluded.answered_at
WHERE a.answer IS NULL AND a.input_hash = excluded.input_hash AND a.selection_hash = excluded.selection_hash
RETURNING a.user_id, a.operation, a.key;

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
