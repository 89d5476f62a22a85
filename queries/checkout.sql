-- name: CheckoutReservationLock :one
SELECT status FROM reservation WHERE id = @id AND user_id = @user_id FOR UPDATE;

-- What a reservation holds, as it is sold now. A variant that lies at several places is one line.
-- name: CheckoutLines :many
SELECT v.id AS variant_id, v.listing_id, v.seller_id, l.kind, v.price, v.currency, sum(rl.quantity)::bigint AS quantity, min(rl.number)::integer AS number
FROM reservation_line rl JOIN variant v ON v.id = rl.variant_id JOIN listing l ON l.id = v.listing_id
WHERE rl.reservation_id = @reservation_id
GROUP BY v.id, l.id
ORDER BY v.listing_id, v.id;

-- name: CheckoutPaymentInsert :exec
INSERT INTO reservation_payment (reservation_id, user_id, idempotency_key, request_hash, total, currency)
VALUES (@reservation_id, @user_id, @idempotency_key, @request_hash, @total, @currency);

-- name: CheckoutPaymentByKey :one
SELECT * FROM reservation_payment WHERE user_id = @user_id AND idempotency_key = @idempotency_key;

-- name: CheckoutOrders :many
SELECT id FROM orders WHERE reservation_id = @reservation_id::uuid ORDER BY id;
