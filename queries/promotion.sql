-- Those that may apply to what sellers sell: by themselves, now, or by a code, whenever. open says whether it may be used now.
-- name: PromotionsForSellers :many
SELECT sqlc.embed(p), (p.starts_at <= clock_timestamp())::boolean AS started, (p.ended_at IS NOT NULL OR coalesce(p.ends_at <= clock_timestamp(), false))::boolean AS over
FROM promotion p
WHERE (p.seller_id IS NULL OR p.seller_id = ANY (@seller_ids::uuid[]))
  AND (p.code = ANY (@codes::text[])
       OR (p.code IS NULL AND p.ended_at IS NULL AND p.starts_at <= clock_timestamp() AND (p.ends_at IS NULL OR p.ends_at > clock_timestamp())))
ORDER BY p.id;

-- The categories of listings, each with those that it is below.
-- name: PromotionCategoriesOfListings :many
WITH RECURSIVE up AS (
    SELECT l.id AS listing_id, c.id, c.parent_id FROM listing l JOIN category c ON c.id = l.category_id WHERE l.id = ANY (@listing_ids::uuid[])
    UNION ALL
    SELECT up.listing_id, c.id, c.parent_id FROM up JOIN category c ON c.id = up.parent_id
)
SELECT listing_id, id AS category_id FROM up ORDER BY listing_id, category_id;

-- Empty where the use is taken.
-- name: PromotionTake :one
SELECT coalesce(promotion_take(@promotion_id, @quote_id, @user_id, @amount), '')::text AS short;

-- How many tries somebody has had this hour, with this one.
-- name: PromotionCouponTry :one
INSERT INTO coupon_try AS t (user_id, since, tries) VALUES (@user_id, clock_timestamp(), 1)
ON CONFLICT (user_id) DO UPDATE SET
    since = CASE WHEN t.since < clock_timestamp() - interval '1 hour' THEN clock_timestamp() ELSE t.since END,
    tries = CASE WHEN t.since < clock_timestamp() - interval '1 hour' THEN 1 ELSE t.tries + 1 END
RETURNING tries;

-- name: PromotionCouponKnown :exec
UPDATE coupon_try SET tries = greatest(tries - 1, 0) WHERE user_id = @user_id;

-- name: PromotionInsert :one
INSERT INTO promotion (id, seller_id, code, title, kind, basis_points, amount, most, currency, minimum, stackable, seller_ids, listing_ids, category_ids,
                       starts_at, ends_at, max_uses, max_uses_per_user, budget, created_by, idempotency_key, request_hash)
VALUES (@id, sqlc.narg('seller_id'), sqlc.narg('code'), @title, @kind, sqlc.narg('basis_points'), sqlc.narg('amount'), sqlc.narg('most'), @currency, @minimum, @stackable,
        @seller_ids, @listing_ids, @category_ids, coalesce(sqlc.narg('starts_at')::timestamptz, clock_timestamp()), sqlc.narg('ends_at'),
        sqlc.narg('max_uses'), sqlc.narg('max_uses_per_user'), sqlc.narg('budget'), @created_by, @idempotency_key, @request_hash)
RETURNING *;

-- name: PromotionByKey :one
SELECT * FROM promotion WHERE created_by = @created_by AND idempotency_key = @idempotency_key;

-- name: PromotionGet :one
SELECT * FROM promotion WHERE id = @id;

-- name: PromotionLock :one
SELECT * FROM promotion WHERE id = @id FOR UPDATE;

-- name: PromotionUpdate :one
UPDATE promotion SET ends_at = sqlc.narg('ends_at'), max_uses = sqlc.narg('max_uses'), max_uses_per_user = sqlc.narg('max_uses_per_user'), budget = sqlc.narg('budget')
WHERE id = @id RETURNING *;

-- name: PromotionEnd :one
UPDATE promotion SET ended_at = coalesce(ended_at, clock_timestamp()) WHERE id = @id RETURNING *;

-- A seller's, or the platform's where there is none.
-- name: PromotionPage :many
SELECT * FROM promotion
WHERE seller_id IS NOT DISTINCT FROM sqlc.narg('seller_id')::uuid AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: PromotionListingsOfSeller :one
SELECT count(*) FROM listing WHERE id = ANY (@listing_ids::uuid[]) AND seller_id = @seller_id;

-- name: PromotionCategoriesKnown :one
SELECT count(*) FROM category WHERE id = ANY (@category_ids::uuid[]);
