-- name: AuctionInsert :one
INSERT INTO auction (id, listing_id, seller_id, show_id, lot_number, position, backing, currency, start_price, reserve, buy_now, duration,
                     extension, extension_cap, minimum_age, minimum_tier, status, opens_at, relisted_from)
VALUES (@id, @listing_id, @seller_id, sqlc.narg(show_id), sqlc.narg(lot_number), sqlc.narg(position), @backing, @currency, @start_price,
        sqlc.narg(reserve), sqlc.narg(buy_now), @duration, @extension, sqlc.narg(extension_cap), sqlc.narg(minimum_age), sqlc.narg(minimum_tier),
        @status, sqlc.narg(opens_at), sqlc.narg(relisted_from))
RETURNING *;

-- name: AuctionLock :one
SELECT * FROM auction WHERE id = @id FOR UPDATE;

-- name: AuctionClock :one
SELECT clock_timestamp()::timestamptz;

-- name: AuctionUpdate :exec
UPDATE auction
SET status = @status, price = @price, bid_count = @bid_count, bid_seq = @bid_seq, leader_id = @leader_id, leader_maximum = @leader_maximum,
    leader_hold = @leader_hold, leader_card = @leader_card, opens_at = @opens_at, opened_at = @opened_at, ends_at = @ends_at, latest_end = @latest_end,
    time_left = @time_left, position = @position, closed_at = @closed_at, version = @version
WHERE id = @id;

-- The lots that wait in a show, in their order.
-- name: LotsWaiting :many
SELECT id, position::integer AS position FROM auction WHERE show_id = @show_id::uuid AND status = 'QUEUED' ORDER BY position, id;

-- name: LotsPlace :exec
UPDATE auction a SET position = p.position
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@positions::integer[]) AS position) p
WHERE a.id = p.id AND a.status = 'QUEUED';

-- name: LotsLive :many
SELECT * FROM auction WHERE show_id = @show_id::uuid AND status IN ('OPEN', 'PAUSED') ORDER BY lot_number;

-- name: LotsPassWaiting :many
UPDATE auction SET status = 'PASSED', closed_at = clock_timestamp(), position = NULL, version = version + 1
WHERE show_id = @show_id::uuid AND status = 'QUEUED'
RETURNING *;

-- Of each of some shows, a page.
-- name: LotsSold :many
SELECT a.*
FROM (SELECT unnest(@shows::uuid[]) AS id) s
JOIN auction a ON a.id = ANY (ARRAY(SELECT l.id FROM auction l WHERE l.show_id = s.id AND l.status = 'SOLD' AND l.lot_number > @after_number::integer ORDER BY lot_number LIMIT @page_size))
ORDER BY a.show_id, a.lot_number;

-- name: LotsQueued :many
SELECT a.*
FROM (SELECT unnest(@shows::uuid[]) AS id) s
JOIN auction a ON a.id = ANY (ARRAY(SELECT l.id FROM auction l WHERE l.show_id = s.id AND l.status = 'QUEUED' AND l.position > @after_position::integer ORDER BY position LIMIT @page_size))
ORDER BY a.show_id, a.position;

-- name: LotsNewest :many
SELECT a.*
FROM (SELECT unnest(@shows::uuid[]) AS id) s
JOIN auction a ON a.id = ANY (ARRAY(SELECT l.id FROM auction l WHERE l.show_id = s.id AND l.lot_number < @before_number::integer ORDER BY lot_number DESC LIMIT @page_size))
ORDER BY a.show_id, a.lot_number DESC;

-- What set a lot's end other than a bid.
-- name: AuctionEndInsert :exec
INSERT INTO auction_end (auction_id, version, seq, ends_at, latest_end)
VALUES (@auction_id, @version, @seq, @ends_at, sqlc.narg(latest_end));

-- name: AuctionsByID :many
SELECT * FROM auction WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- name: AuctionsByShow :many
SELECT a.* FROM auction a JOIN show s ON s.id = a.show_id
WHERE a.show_id = ANY (@show_ids::uuid[]) AND a.lot_number > s.lots - 20 -- lots are numbered without a hole
ORDER BY a.show_id, a.lot_number DESC;

-- A listing has one lot at most that has not ended; else it is the one that ended last, by the database's clock.
-- name: AuctionsLatestByListing :many
SELECT DISTINCT ON (listing_id) * FROM auction
WHERE listing_id = ANY (@listing_ids::uuid[])
ORDER BY listing_id, closed_at DESC NULLS FIRST, id DESC;

-- The latest end first; a lot with a date is where it would begin, and one that waits in a show comes before all.
-- name: AuctionPage :many
SELECT * FROM auction
WHERE (sqlc.narg(status)::text IS NULL OR status = sqlc.narg(status))
  AND (coalesce(ends_at, opens_at, '9999-01-01 00:00Z'::timestamptz), id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY coalesce(ends_at, opens_at, '9999-01-01 00:00Z'::timestamptz) DESC, id DESC
LIMIT @page_size;

-- name: AuctionDue :many
SELECT id, ends_at::timestamptz AS due_at FROM auction
WHERE status = 'OPEN' AND ends_at <= clock_timestamp() AND (ends_at, id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY ends_at, id
LIMIT @page_size;

-- name: AuctionOpensDue :many
SELECT id, opens_at::timestamptz AS due_at FROM auction
WHERE status = 'SCHEDULED' AND opens_at <= clock_timestamp() AND (opens_at, id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY opens_at, id
LIMIT @page_size;

-- name: IncrementList :many
SELECT * FROM increment ORDER BY currency, from_price;

-- What is known of some bids before they are judged, in the order in which they came: the time, once; who bids, and the first bid
-- under the same key; and what would back it on this lot. LIMIT keeps the planner from joining whole tables to a list whose length it does
-- not know: each row is looked up.
-- name: BidAsk :many
SELECT (SELECT clock_timestamp())::timestamptz AS now,
       coalesce(k.id, '00000000-0000-0000-0000-000000000000')::uuid AS first_id, u.tier, (u.banned_at IS NOT NULL)::boolean AS banned,
       coalesce(extract(year FROM age(u.birth_date)), -1)::integer AS age,
       coalesce(w.balance, 0)::bigint AS available, coalesce(f.since, '0001-01-01 00:00Z')::timestamptz AS frozen_since,
       CASE WHEN c.id IS NULL THEN '' WHEN c.removed_at IS NOT NULL THEN 'REMOVED'
            WHEN make_date(c.exp_year, c.exp_month, 1) + interval '1 month' <= clock_timestamp() THEN 'EXPIRED' ELSE 'USABLE' END::text AS card
FROM (SELECT unnest(@bidders::uuid[]) AS bidder, unnest(@keys::text[]) AS key, unnest(@cards::uuid[]) AS card,
             generate_subscripts(@bidders::uuid[], 1) AS n) q
CROSS JOIN (SELECT a.currency FROM auction a WHERE a.id = @auction_id::uuid) l
CROSS JOIN LATERAL (SELECT tier, banned_at, birth_date FROM app_user WHERE id = q.bidder LIMIT 1) u
LEFT JOIN LATERAL (SELECT id FROM bid WHERE bidder_id = q.bidder AND idempotency_key = q.key LIMIT 1) k ON true
LEFT JOIN LATERAL (SELECT id, removed_at, exp_year, exp_month FROM card WHERE id = q.card AND user_id = q.bidder LIMIT 1) c ON true
LEFT JOIN LATERAL (SELECT b.balance FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id
    WHERE a.owner = q.bidder AND a.kind = 'wallet' AND a.currency = l.currency AND a.ref = '' LIMIT 1) w ON true
LEFT JOIN LATERAL (SELECT min(frozen_at)::timestamptz AS since FROM ledger.freeze WHERE owner = q.bidder AND lifted_at IS NULL) f ON true
ORDER BY q.n;

-- name: BidsInsert :exec
INSERT INTO bid (id, auction_id, seq, number, version, bidder_id, amount, card_id, idempotency_key, rule, price, leader_id, ends_at, placed_at)
SELECT q.id, @auction_id, q.seq, nullif(q.number, 0), @version, q.bidder, q.amount, nullif(q.card, '00000000-0000-0000-0000-000000000000'),
       q.key, q.rule, q.price, q.leader, q.ends_at, @placed_at
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@seqs::integer[]) AS seq, unnest(@numbers::integer[]) AS number, unnest(@bidders::uuid[]) AS bidder,
             unnest(@amounts::bigint[]) AS amount, unnest(@cards::uuid[]) AS card, unnest(@keys::text[]) AS key, unnest(@rules::text[]) AS rule,
             unnest(@prices::bigint[]) AS price, unnest(@leaders::uuid[]) AS leader, unnest(@ends::timestamptz[]) AS ends_at) q;

-- name: BidsByID :many
SELECT sqlc.embed(b), a.currency, c.cancelled_at
FROM bid b JOIN auction a ON a.id = b.auction_id LEFT JOIN bid_cancellation c ON c.bid_id = b.id
WHERE b.id = ANY (@ids::uuid[])
ORDER BY b.id;

-- What a bidder would pay at most, by their own bids.
-- name: BidMaxima :many
SELECT b.id, b.amount, a.currency FROM bid b JOIN auction a ON a.id = b.auction_id
WHERE b.id = ANY (@ids::uuid[]) AND b.bidder_id = @bidder_id
ORDER BY b.id;

-- name: BidPage :many
SELECT sqlc.embed(b), c.cancelled_at
FROM bid b LEFT JOIN bid_cancellation c ON c.bid_id = b.id
WHERE b.auction_id = @auction_id AND b.number < @before_number::integer
ORDER BY b.number DESC
LIMIT @page_size;

-- name: BidGet :one
SELECT sqlc.embed(b), (c.bid_id IS NOT NULL)::boolean AS cancelled
FROM bid b LEFT JOIN bid_cancellation c ON c.bid_id = b.id
WHERE b.id = @id;

-- All of a lot's bids in the order in which they were judged; those that stand have no cancellation.
-- name: BidsOfAuction :many
SELECT sqlc.embed(b), c.version AS cancelled_by, c.seq AS cancelled_after
FROM bid b LEFT JOIN bid_cancellation c ON c.bid_id = b.id
WHERE b.auction_id = @auction_id
ORDER BY b.seq;

-- name: BidCancellationInsert :exec
INSERT INTO bid_cancellation (bid_id, auction_id, cause, actor_id, reason, version, seq, cancelled_at)
SELECT unnest(@bids::uuid[]), @auction_id, @cause, @actor_id, @reason, @version, @seq, @cancelled_at;

-- name: AuctionEnds :many
SELECT * FROM auction_end WHERE auction_id = @auction_id ORDER BY set_at;

-- name: AuctionIDs :many
SELECT id FROM auction WHERE id > @after ORDER BY id LIMIT @page_size;
