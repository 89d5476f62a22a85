-- name: OrderPaymentInsert :one
INSERT INTO order_payment (id, order_id, user_id, wallet_amount, card_amount, currency, card_id, payment_method, hold_id,
                           idempotency_key, request_hash, status, resolved_at)
VALUES (@id, @order_id, @user_id, @wallet_amount, @card_amount, @currency, sqlc.narg('card_id'), sqlc.narg('payment_method'), sqlc.narg('hold_id'),
        sqlc.narg('idempotency_key'), sqlc.narg('request_hash'), @status::text,
        CASE WHEN @status::text = 'CAPTURED' THEN clock_timestamp() END)
RETURNING *;

-- name: OrderPaymentByKey :one
SELECT * FROM order_payment WHERE user_id = @user_id AND idempotency_key = @idempotency_key::text;

-- name: OrderPaymentGet :one
SELECT * FROM order_payment WHERE id = @id;

-- name: OrderPaymentOfUser :one
SELECT * FROM order_payment WHERE id = @id AND user_id = @user_id;

-- An order's payment that is under way or captured; there is one at most.
-- name: OrderPaymentLive :one
SELECT * FROM order_payment WHERE order_id = @order_id AND status NOT IN ('VOIDING', 'VOIDED', 'FAILED');

-- name: OrderPaymentVoiding :one
SELECT id FROM order_payment WHERE order_id = @order_id AND status = 'VOIDING' ORDER BY id LIMIT 1;

-- name: OrderPaymentsOfOrders :many
SELECT o.* FROM order_payment o
WHERE o.user_id = @user_id AND o.id IN (
    SELECT newest.id
    FROM unnest(@order_ids::uuid[]) AS asked (id),
         LATERAL (SELECT p.id FROM order_payment p WHERE p.order_id = asked.id ORDER BY p.created_at DESC, p.id DESC LIMIT @most::integer) newest)
ORDER BY o.order_id, o.created_at DESC, o.id DESC;

-- name: OrderPaymentOfProvider :one
SELECT id FROM order_payment WHERE provider_id = @provider_id::text;

-- name: OrderPaymentLock :one
SELECT * FROM order_payment WHERE id = @id FOR UPDATE;

-- The age is the database's to tell: servers' clocks may differ.
-- name: OrderPaymentWithAge :one
SELECT sqlc.embed(order_payment), extract(epoch FROM clock_timestamp() - created_at)::bigint AS age_seconds
FROM order_payment WHERE id = @id;

-- The provider's id is set once and never exchanged for another.
-- name: OrderPaymentSetProvider :execrows
UPDATE order_payment SET provider_id = @provider_id
WHERE id = @id AND status = 'PROCESSING' AND (provider_id IS NULL OR provider_id = @provider_id);

-- name: OrderPaymentNextAttempt :execrows
UPDATE order_payment SET attempt = attempt + 1
WHERE id = @id AND attempt = @attempt AND status IN ('PROCESSING', 'CAPTURING', 'VOIDING');

-- name: OrderPaymentAwaitAction :one
UPDATE order_payment SET status = 'REQUIRES_ACTION', next_action_url = sqlc.narg('next_action_url') WHERE id = @id RETURNING *;

-- name: OrderPaymentAuthorise :one
UPDATE order_payment SET status = 'AUTHORISED', authorised_at = clock_timestamp(), next_action_url = NULL WHERE id = @id RETURNING *;

-- name: OrderPaymentCapture :one
UPDATE order_payment SET status = 'CAPTURING', tracking = @tracking, capture_at = clock_timestamp() WHERE id = @id RETURNING *;

-- name: OrderPaymentCaptured :one
UPDATE order_payment
SET status = 'CAPTURED', charge_id = @charge_id::text, balance_txn_id = @balance_txn_id::text, fee = @fee::bigint,
    resolved_at = clock_timestamp()
WHERE id = @id
RETURNING *;

-- name: OrderPaymentVoid :one
UPDATE order_payment SET status = 'VOIDING', next_action_url = NULL WHERE id = @id RETURNING *;

-- name: OrderPaymentVoided :one
UPDATE order_payment SET status = 'VOIDED', next_action_url = NULL, resolved_at = clock_timestamp() WHERE id = @id RETURNING *;

-- A payment that is let go keeps the charge that somebody made all the same.
-- name: OrderPaymentTaken :one
UPDATE order_payment SET status = 'VOIDED', charge_id = @charge_id::text, balance_txn_id = @balance_txn_id::text, next_action_url = NULL,
    resolved_at = clock_timestamp()
WHERE id = @id
RETURNING *;

-- name: OrderPaymentFail :one
UPDATE order_payment
SET status = 'FAILED', failure_code = @failure_code::text, decline_code = sqlc.narg('decline_code'), next_action_url = NULL,
    resolved_at = clock_timestamp()
WHERE id = @id
RETURNING *;

-- What the sweep has to look at: what is under way, holders who do not come, and authorisations that should have
-- expired unless something captured them.
-- name: OrderPaymentsOpen :many
SELECT id FROM order_payment
WHERE id > @after_id
  AND ((status IN ('PROCESSING', 'CAPTURING', 'VOIDING') AND created_at < clock_timestamp() - make_interval(secs => @older_than_seconds::float8))
    OR (status = 'REQUIRES_ACTION' AND created_at < clock_timestamp() - make_interval(secs => @key_life_seconds::float8))
    OR (status = 'AUTHORISED' AND authorised_at < clock_timestamp() - make_interval(secs => @authorisation_seconds::float8)))
ORDER BY id
LIMIT @page_size;
