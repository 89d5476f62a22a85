-- The user's row makes one writer of those who make offers at once: the limits are exact.
-- name: OfferBuyerLock :exec
SELECT FROM app_user WHERE id = @id FOR NO KEY UPDATE;

-- A variant as its buyer finds it: offered says that it is on the market for them, takes that its listing takes offers. What is in a lot is not on the market.
-- name: OfferVariant :one
SELECT v.listing_id, v.seller_id, v.price, v.currency, l.kind, l.title, coalesce(t.takes, l.kind = 'ONE_OFF')::boolean AS takes,
       (v.retired_at IS NULL AND u.banned_at IS NULL AND listing_offered_to(l.id, u.id) AND (l.status = 'ACTIVE' OR l.status = 'RESERVED' AND l.reserved_by IS NOT NULL))::boolean AS offered
FROM variant v JOIN listing l ON l.id = v.listing_id JOIN app_user u ON u.id = @buyer_id LEFT JOIN listing_offers t ON t.listing_id = l.id
WHERE v.id = @id;

-- name: OfferLiveOf :one
SELECT * FROM price_offer WHERE buyer_id = @buyer_id AND listing_id = @listing_id AND status IN ('OPEN', 'COUNTERED', 'ACCEPTED') FOR UPDATE;

-- Read after the lock.
-- name: OfferNow :one
SELECT clock_timestamp()::timestamptz;

-- How many of a buyer's may come to something, and how many they made to a seller within a day.
-- name: OfferCounts :one
SELECT (SELECT count(*) FROM price_offer o WHERE o.buyer_id = @buyer_id AND o.status IN ('OPEN', 'COUNTERED', 'ACCEPTED') AND o.ends_at > clock_timestamp())::bigint AS live,
       (SELECT count(*) FROM price_offer o WHERE o.buyer_id = @buyer_id AND o.seller_id = @seller_id AND o.created_at > clock_timestamp() - interval '1 day')::bigint AS today;

-- name: OfferInsert :one
INSERT INTO price_offer (id, buyer_id, seller_id, listing_id, variant_id, title, quantity, currency, unit_price, status, moved_by, version, expires_at)
VALUES (@id, @buyer_id, @seller_id, @listing_id, @variant_id, @title, @quantity, @currency, @unit_price, 'OPEN', 'BUYER', 1, clock_timestamp() + make_interval(secs => @seconds::float8))
RETURNING *;

-- name: OfferLock :one
SELECT * FROM price_offer WHERE id = @id AND (buyer_id = @user_id OR seller_id = @user_id) FOR UPDATE;

-- Under its lock. No row where its time is over. Where seconds are zero its time stays.
-- name: OfferMove :one
UPDATE price_offer SET status = @status, moved_by = @moved_by, version = version + 1, unit_price = @unit_price, changed_at = clock_timestamp(),
    expires_at = CASE WHEN @seconds::float8 > 0 THEN clock_timestamp() + make_interval(secs => @seconds::float8) ELSE expires_at END
WHERE id = @id AND version = @version AND expires_at > clock_timestamp()
RETURNING *;

-- What somebody moves in this moment is left to them.
-- name: OffersDueLock :many
SELECT * FROM price_offer WHERE status IN ('OPEN', 'COUNTERED', 'ACCEPTED') AND ends_at <= clock_timestamp()
ORDER BY ends_at LIMIT @batch FOR UPDATE SKIP LOCKED;

-- Under their locks.
-- name: OffersExpire :many
UPDATE price_offer SET status = 'EXPIRED', moved_by = 'TIME', version = version + 1, changed_at = clock_timestamp() WHERE id = ANY (@ids::uuid[])
RETURNING *;

-- What somebody is a party of; staff see all.
-- name: OffersSeenBy :many
SELECT * FROM price_offer WHERE id = ANY (@ids::uuid[]) AND (@staff::boolean OR @viewer_id IN (buyer_id, seller_id)) ORDER BY id;

-- name: OfferPageOfBuyer :many
SELECT * FROM price_offer
WHERE buyer_id = @user_id AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
  AND (NOT @live::boolean OR status IN ('OPEN', 'COUNTERED', 'ACCEPTED') AND ends_at > clock_timestamp())
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: OfferPageOfSeller :many
SELECT * FROM price_offer
WHERE seller_id = @user_id AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
  AND (NOT @live::boolean OR status IN ('OPEN', 'COUNTERED', 'ACCEPTED') AND ends_at > clock_timestamp())
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: OfferSteps :many
SELECT sqlc.embed(s), o.currency FROM price_offer_step s JOIN price_offer o ON o.id = s.offer_id WHERE s.offer_id = ANY (@offers::uuid[]) ORDER BY s.offer_id, s.number;

-- What a conversation's buyer has offered for its listing, the newest of each conversation.
-- name: OffersOfConversations :many
SELECT c.id AS conversation_id, sqlc.embed(o)
FROM conversation c JOIN price_offer o ON o.id IN (
    SELECT p.id FROM price_offer p WHERE p.buyer_id = c.buyer_id AND p.listing_id = c.listing_id ORDER BY p.created_at DESC, p.id DESC LIMIT @most::integer)
WHERE c.id = ANY (@conversation_ids::uuid[])
ORDER BY c.id, o.created_at, o.id;

-- name: OfferMoves :many
SELECT * FROM price_offer_move ORDER BY from_status, to_status, moved_by;

-- Whether listings take offers; those that never do are left out.
-- name: OffersTaken :many
SELECT l.id, coalesce(t.takes, l.kind = 'ONE_OFF')::boolean AS takes FROM listing l LEFT JOIN listing_offers t ON t.listing_id = l.id
WHERE l.id = ANY (@listings::uuid[]) AND l.kind IN ('ONE_OFF', 'RETAIL')
ORDER BY l.id;

-- name: OfferListingKind :one
SELECT kind FROM listing WHERE id = @id AND seller_id = @seller_id;

-- name: OffersTakeSet :exec
INSERT INTO listing_offers (listing_id, takes) SELECT l.id, @takes FROM listing l WHERE l.id = @listing_id
ON CONFLICT (listing_id) DO UPDATE SET takes = excluded.takes, changed_at = clock_timestamp();

-- No row where it is not accepted, or its time is over. What is quoted of it binds the reservation's time.
-- name: OfferQuoted :execrows
UPDATE price_offer o SET quoted_until = greatest(o.quoted_until, r.expires_at), reservation_id = r.id
FROM reservation r
WHERE o.id = @id AND o.buyer_id = @buyer_id AND o.status = 'ACCEPTED' AND o.expires_at > clock_timestamp() AND r.id = @reservation_id;

-- No row where it was used, or taken back. Whether its quote is still open is the reservation's to say.
-- name: OfferUse :execrows
UPDATE price_offer SET status = 'USED', moved_by = 'BUYER', version = version + 1, changed_at = clock_timestamp(), order_id = @order_id
WHERE id = @id AND status = 'ACCEPTED';
