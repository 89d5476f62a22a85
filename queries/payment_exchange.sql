-- name: ExchangeInsert :one
INSERT INTO exchange (id, user_id, from_currency, from_amount, from_digits, to_currency, to_amount, to_digits,
                      rate, margin_bp, source, as_of, idempotency_key, request_hash, order_id)
VALUES (@id, @user_id, @from_currency, @from_amount, @from_digits, @to_currency, @to_amount, @to_digits,
        @rate, @margin_bp, @source, @as_of, @idempotency_key, @request_hash, sqlc.narg('order_id'))
ON CONFLICT (user_id, idempotency_key) DO NOTHING
RETURNING *;

-- name: ExchangeByKey :one
SELECT * FROM exchange WHERE user_id = @user_id AND idempotency_key = @idempotency_key;

-- name: ExchangeOfUser :one
SELECT * FROM exchange WHERE id = @id AND user_id = @user_id;

-- name: ExchangesOfUser :many
SELECT * FROM exchange WHERE id = ANY (@ids::uuid[]) AND user_id = @user_id ORDER BY id;
