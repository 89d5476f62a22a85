-- name: LotToldInsert :exec
INSERT INTO lot_told (auction_id) VALUES (@auction_id);

-- Lots of which something is to be told, with how they were when it last was. Another server's are left to it.
-- name: LotsUntold :many
SELECT t.auction_id, t.version AS told_version, t.seq AS told_seq, t.leader_id AS told_leader, a.version, a.bid_seq, a.leader_id, a.status
FROM lot_told t JOIN auction a ON a.id = t.auction_id
WHERE NOT t.over AND (a.version > t.version OR a.bid_seq > t.seq)
ORDER BY t.auction_id
LIMIT @page_size
FOR UPDATE OF t SKIP LOCKED;

-- Who came to lead some lots by a bid of their own, or raised their maximum, by the bids after one and up to another.
-- name: BidsToTell :many
SELECT DISTINCT b.auction_id, b.bidder_id, (b.rule = 'RAISES')::boolean AS raised
FROM (SELECT unnest(@lots::uuid[]) AS lot, unnest(@after::integer[]) AS after, unnest(@upto::integer[]) AS upto) q
JOIN bid b ON b.auction_id = q.lot AND b.seq > q.after AND b.seq <= q.upto
WHERE b.leader_id = b.bidder_id
ORDER BY 1, 2, 3;

-- Whose bids were cancelled, after one version and up to another.
-- name: CancellationsToTell :many
SELECT DISTINCT c.auction_id, b.bidder_id
FROM (SELECT unnest(@lots::uuid[]) AS lot, unnest(@after::bigint[]) AS after, unnest(@upto::bigint[]) AS upto) q
JOIN bid_cancellation c ON c.auction_id = q.lot AND c.version > q.after AND c.version <= q.upto
JOIN bid b ON b.id = c.bid_id
ORDER BY 1, 2;

-- name: LotsTold :exec
UPDATE lot_told t
SET version = q.version, seq = q.seq, leader_id = nullif(q.leader, '00000000-0000-0000-0000-000000000000'), over = q.over
FROM (SELECT unnest(@lots::uuid[]) AS lot, unnest(@versions::bigint[]) AS version, unnest(@seqs::integer[]) AS seq,
             unnest(@leaders::uuid[]) AS leader, unnest(@overs::boolean[]) AS over) q
WHERE t.auction_id = q.lot;

-- What a bidder has in a lot as of a version of it: their highest bid that stood, and whether one of theirs is a raise at that version,
-- which has none of its own.
-- name: BidderStanding :one
SELECT coalesce(max(b.amount) FILTER (WHERE c.version IS NULL OR c.version > @version), 0)::bigint AS maximum,
       coalesce(bool_or(b.rule = 'RAISES' AND b.version = @version), false)::boolean AS raised
FROM bid b LEFT JOIN bid_cancellation c ON c.bid_id = b.id
WHERE b.auction_id = @auction_id AND b.bidder_id = @bidder_id AND b.version <= @version;

-- name: SecondChanceOfBidder :one
SELECT * FROM second_chance WHERE auction_id = @auction_id AND bidder_id = @bidder_id;
