-- name: OrderInsert :one
INSERT INTO orders (id, buyer_id, seller_id, listing_id, auction_id, total, fee, currency, card_id)
VALUES (@id, @buyer_id, @seller_id, @listing_id, @auction_id, @total, @fee, @currency, sqlc.narg('card_id'))
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
SET payment = @payment, fulfilment = @fulfilment, tracking = @tracking, refunded = @refunded, cancel_reason = @cancel_reason,
    version = version + 1,
    authorised_at = CASE WHEN @payment = 'AUTHORISED' AND payment <> 'AUTHORISED' THEN clock_timestamp() ELSE authorised_at END,
    paid_at      = CASE WHEN @payment = 'PAID' THEN coalesce(paid_at, clock_timestamp()) ELSE paid_at END,
    sent_at      = CASE WHEN @fulfilment = 'SENT' THEN coalesce(sent_at, clock_timestamp()) ELSE sent_at END,
    received_at  = CASE WHEN @fulfilment = 'RECEIVED' THEN coalesce(received_at, clock_timestamp()) ELSE received_at END,
    cancelled_at = CASE WHEN @fulfilment = 'CANCELLED' THEN coalesce(cancelled_at, clock_timestamp()) ELSE cancelled_at END
WHERE id = @id
RETURNING *;

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
ORDER BY id;

-- name: OrderMoves :many
SELECT * FROM order_move ORDER BY machine, from_state, to_state;
