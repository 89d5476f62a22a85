-- Whom a lot is offered to next, by their own highest bid. Not: those who had an order or an offer of it, the seller, who is
-- banned, bids that were taken back, and bids below the reserve. A tie goes to the earlier.
-- name: SecondChanceNext :one
SELECT b.id, b.bidder_id, b.amount
FROM auction a
JOIN bid b ON b.auction_id = a.id
JOIN app_user u ON u.id = b.bidder_id
WHERE a.id = @auction_id AND b.bidder_id <> a.seller_id AND b.amount >= coalesce(a.reserve, 0)
  AND u.banned_at IS NULL
  AND NOT EXISTS (SELECT FROM bid_cancellation c WHERE c.bid_id = b.id)
  AND NOT EXISTS (SELECT FROM orders o WHERE o.auction_id = a.id AND o.buyer_id = b.bidder_id)
  AND NOT EXISTS (SELECT FROM second_chance s WHERE s.auction_id = a.id AND s.bidder_id = b.bidder_id)
  AND (SELECT count(*) FROM second_chance s WHERE s.auction_id = a.id) < 3
ORDER BY b.amount DESC, b.seq
LIMIT 1;

-- name: SecondChanceInsert :one
INSERT INTO second_chance (id, auction_id, rank, bidder_id, bid_id, amount, currency, offered_at, expires_at)
SELECT @id, @auction_id, 1 + count(s.id), @bidder_id, @bid_id, @amount, @currency, @offered_at, @expires_at
FROM second_chance s WHERE s.auction_id = @auction_id
RETURNING *;

-- name: SecondChanceResolve :one
UPDATE second_chance SET status = @status, order_id = sqlc.narg(order_id), resolved_at = @resolved_at
WHERE id = @id
RETURNING *;

-- name: SecondChanceByID :one
SELECT * FROM second_chance WHERE id = @id;

-- Its bidder's, or its lot's seller's.
-- name: SecondChanceOfParty :one
SELECT s.* FROM second_chance s JOIN auction a ON a.id = s.auction_id
WHERE s.id = @id AND @party::uuid IN (s.bidder_id, a.seller_id);

-- name: SecondChancePage :many
SELECT * FROM second_chance
WHERE bidder_id = @bidder_id AND (offered_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY offered_at DESC, id DESC
LIMIT @page_size;

-- name: SecondChancesDue :many
SELECT id, expires_at AS due_at FROM second_chance
WHERE status = 'OFFERED' AND expires_at <= clock_timestamp() AND (expires_at, id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY expires_at, id
LIMIT @page_size;
