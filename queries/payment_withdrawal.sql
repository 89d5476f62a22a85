-- name: WithdrawalInsert :one
INSERT INTO withdrawal (id, user_id, amount, currency, idempotency_key, request_hash)
VALUES (@id, @user_id, @amount, @currency, @idempotency_key, @request_hash)
ON CONFLICT (user_id, idempotency_key) DO NOTHING
RETURNING *;

-- name: WithdrawalByKey :one
SELECT * FROM withdrawal WHERE user_id = @user_id AND idempotency_key = @idempotency_key;

-- name: WithdrawalOfUser :one
SELECT * FROM withdrawal WHERE id = @id AND user_id = @user_id;

-- name: WithdrawalsOfUser :many
SELECT * FROM withdrawal WHERE id = ANY (@ids::uuid[]) AND user_id = @user_id ORDER BY id;

-- Who holds these may decide what is given back of them. What is left of them is another statement's to read: one
-- that waits for a lock does not see what its rival wrote elsewhere meanwhile.
-- name: TopUpsLock :exec
SELECT id FROM top_up
WHERE user_id = @user_id AND currency = @currency AND status = 'SUCCEEDED'
ORDER BY created_at DESC, id DESC
FOR UPDATE;

-- What users' top-ups have left to give back to their cards, the newest first. A refund that failed has given
-- nothing back. A payment that is charged back, or was with success, takes no refund at all, so the provider's rule is.
-- name: TopUpsLeft :many
SELECT id, user_id, currency, provider_id::text AS provider_id, remaining::bigint AS remaining
FROM (
    SELECT t.id, t.user_id, t.currency, t.provider_id, t.amount - coalesce(r.given, 0) AS remaining,
           row_number() OVER (PARTITION BY t.user_id, t.currency ORDER BY t.created_at DESC, t.id DESC) AS place
    FROM top_up t
    CROSS JOIN LATERAL (
        SELECT sum(amount) AS given FROM refund
        WHERE source_kind = 'TOP_UP' AND source_id = t.id AND status <> 'FAILED'
    ) r
    WHERE t.user_id = ANY (@users::uuid[]) AND t.status = 'SUCCEEDED' AND t.amount > coalesce(r.given, 0)
      AND NOT EXISTS (SELECT FROM chargeback c WHERE c.top_up_id = t.id AND c.status IN ('NEEDS_RESPONSE', 'UNDER_REVIEW', 'LOST'))
) t
WHERE place <= @parts::int
ORDER BY user_id, currency, place;
