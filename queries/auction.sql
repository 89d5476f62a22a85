-- name: AuctionInsert :one
INSERT INTO auction (id, listing_id, seller_id, show_id, lot_number, backing, currency, start_price, extension, opened_at, ends_at, version)
SELECT @id, @listing_id, @seller_id, sqlc.narg(show_id), sqlc.narg(lot_number), @backing, @currency, @start_price, @extension,
       n.now, n.now + make_interval(secs => @duration_seconds::integer), 1
FROM (SELECT clock_timestamp() AS now) n
RETURNING *;

-- name: AuctionLock :one
SELECT * FROM auction WHERE id = @id FOR UPDATE;

-- name: AuctionClock :one
SELECT clock_timestamp()::timestamptz;

-- name: AuctionUpdate :exec
UPDATE auction
SET price = @price, bid_count = @bid_count, leader_id = @leader_id, leader_hold = @leader_hold, leader_card = @leader_card,
    ends_at = @ends_at, status = @status, closed_at = @closed_at, version = @version
WHERE id = @id;

-- name: AuctionsByID :many
SELECT * FROM auction WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- name: AuctionsByShow :many
SELECT a.* FROM auction a JOIN show s ON s.id = a.show_id
WHERE a.show_id = ANY (@show_ids::uuid[]) AND a.lot_number > s.lots - 20 -- lots are numbered without a hole
ORDER BY a.show_id, a.lot_number DESC;

-- name: AuctionsLatestByListing :many
SELECT DISTINCT ON (listing_id) * FROM auction
WHERE listing_id = ANY (@listing_ids::uuid[])
ORDER BY listing_id, opened_at DESC;

-- name: AuctionPage :many
SELECT * FROM auction
WHERE (sqlc.narg(status)::text IS NULL OR status = sqlc.narg(status))
  AND (ends_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY ends_at DESC, id DESC
LIMIT @page_size;

-- name: AuctionDue :many
SELECT id, ends_at FROM auction
WHERE status = 'OPEN' AND ends_at <= clock_timestamp() AND (ends_at, id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY ends_at, id
LIMIT @page_size;

-- name: IncrementList :many
SELECT * FROM increment ORDER BY currency, from_price;

-- name: BidInsert :exec
INSERT INTO bid (id, auction_id, number, version, bidder_id, amount, hold_id, card_id, idempotency_key, placed_at)
VALUES (@id, @auction_id, @number, @version, @bidder_id, @amount, @hold_id, @card_id, @idempotency_key, @placed_at);

-- name: BidByKey :one
SELECT * FROM bid WHERE bidder_id = @bidder_id AND idempotency_key = @idempotency_key;

-- name: BidPage :many
SELECT * FROM bid WHERE auction_id = @auction_id AND number < @before_number ORDER BY number DESC LIMIT @page_size;

-- name: BidByID :one
SELECT sqlc.embed(b), a.currency FROM bid b JOIN auction a ON a.id = b.auction_id WHERE b.id = @id;
