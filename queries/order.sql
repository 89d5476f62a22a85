-- name: OrderInsert :one
INSERT INTO orders (id, buyer_id, seller_id, listing_id, auction_id, reservation_id, total, fee, currency, card_id, pay_by)
VALUES (@id, @buyer_id, @seller_id, @listing_id, @auction_id, sqlc.narg('reservation_id'), @total, @fee, @currency, sqlc.narg('card_id'),
        clock_timestamp() + make_interval(secs => @pay_within_seconds::float8))
RETURNING *;

-- name: OrderOfPartyLock :one
SELECT * FROM orders WHERE id = @id AND @party::uuid IN (buyer_id, seller_id) FOR UPDATE;

-- name: OrderLock :one
SELECT * FROM orders WHERE id = @id FOR UPDATE;

-- name: OrderOfParty :one
SELECT * FROM orders WHERE id = @id AND @party::uuid IN (buyer_id, seller_id);

-- name: OrdersOfParty :many
SELECT * FROM orders WHERE id = ANY (@ids::uuid[]) AND @party::uuid IN (buyer_id, seller_id) ORDER BY id;

-- name: OrderByID :one
SELECT * FROM orders WHERE id = @id;

-- name: OrderUpdate :one
UPDATE orders
SET payment = @payment, fulfilment = @fulfilment, tracking = @tracking, refunded = @refunded, charged_back = @charged_back, disputed = @disputed,
    cancel_reason = @cancel_reason,
    version = version + 1,
    pay_by = CASE WHEN @payment = 'PENDING' AND payment <> 'PENDING' THEN clock_timestamp() + make_interval(secs => @pay_within_seconds::float8) ELSE pay_by END,
    authorised_at = CASE WHEN @payment = 'AUTHORISED' AND payment <> 'AUTHORISED' THEN clock_timestamp() ELSE authorised_at END,
    paid_at      = CASE WHEN @payment = 'PAID' THEN coalesce(paid_at, clock_timestamp()) ELSE paid_at END,
    sent_at      = CASE WHEN @fulfilment = 'SENT' THEN coalesce(sent_at, clock_timestamp()) ELSE sent_at END,
    received_at  = CASE WHEN @fulfilment = 'RECEIVED' THEN coalesce(received_at, clock_timestamp()) ELSE received_at END,
    cancelled_at = CASE WHEN @fulfilment = 'CANCELLED' THEN coalesce(cancelled_at, clock_timestamp()) ELSE cancelled_at END
WHERE id = @id
RETURNING *;

-- name: OrdersUnpaidDue :many
SELECT id, pay_by::timestamptz AS due_at FROM orders
WHERE payment = 'PENDING' AND fulfilment = 'PENDING' AND pay_by <= clock_timestamp() AND (pay_by, id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY pay_by, id
LIMIT @page_size;

-- Read under the order's lock.
-- name: OrderIsDue :one
SELECT coalesce(pay_by <= clock_timestamp(), false)::boolean FROM orders WHERE id = @id;

-- name: OrderPageOfBuyer :many
SELECT * FROM orders
WHERE buyer_id = @buyer_id AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: OrderPageOfSeller :many
SELECT * FROM orders
WHERE seller_id = @seller_id AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: OrdersOfPartyByAuction :many
SELECT * FROM orders
WHERE auction_id = ANY (@auction_ids::uuid[]) AND @party::uuid IN (buyer_id, seller_id)
ORDER BY created_at, id;

-- name: OrderMoves :many
SELECT * FROM order_move ORDER BY machine, from_state, to_state;

-- name: OrderRefundInsert :exec
INSERT INTO order_refund (id, order_id, user_id, wallet_amount, card_amount, currency, fee_returned, seller_returned, reason,
                          idempotency_key, request_hash)
VALUES (@id, @order_id, @user_id, @wallet_amount, @card_amount, @currency, @fee_returned, @seller_returned, @reason,
        sqlc.narg('idempotency_key'), sqlc.narg('request_hash'));

-- name: OrderRefundByKey :one
SELECT * FROM order_refund WHERE user_id = @user_id AND idempotency_key = @idempotency_key::text;

-- The newest first, a few of each order.
-- name: OrderRefundsOfOrders :many
SELECT sqlc.embed(r), o.buyer_id FROM order_refund r JOIN orders o ON o.id = r.order_id
WHERE r.id IN (
    SELECT newest.id
    FROM unnest(@order_ids::uuid[]) AS asked (id),
         LATERAL (SELECT f.id FROM order_refund f WHERE f.order_id = asked.id ORDER BY f.created_at DESC, f.id DESC LIMIT @most::integer) newest)
ORDER BY r.order_id, r.created_at DESC, r.id DESC;
