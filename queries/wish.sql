-- Held against a change of the listing: who wishes has seen it, or is seen by it.
-- name: WishListingLock :one
SELECT l.seller_id, l.price, l.currency FROM listing l
WHERE l.id = @id AND listing_offered_to(l.id, @user_id::uuid) FOR SHARE;

-- name: WishInsert :exec
INSERT INTO wish (user_id, listing_id, price, currency) VALUES (@user_id, @listing_id, @price, @currency)
ON CONFLICT (user_id, listing_id) DO NOTHING;

-- name: WishDelete :exec
DELETE FROM wish WHERE user_id = @user_id AND listing_id = @listing_id;

-- name: WishCount :one
SELECT count(*)::integer FROM wish WHERE user_id = @user_id;

-- name: WishOf :one
SELECT * FROM wish WHERE user_id = @user_id AND listing_id = @listing_id;

-- name: WishPage :many
SELECT * FROM wish
WHERE user_id = @user_id AND (wished_at, listing_id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY wished_at DESC, listing_id DESC
LIMIT @page_size;

-- name: WishedAmong :many
SELECT listing_id FROM wish WHERE user_id = @user_id AND listing_id = ANY (@listings::uuid[]) ORDER BY listing_id;

-- name: WaitVariantLock :one
SELECT v.seller_id, v.listing_id FROM variant v JOIN listing l ON l.id = v.listing_id
WHERE v.id = @id AND v.retired_at IS NULL AND listing_offered_to(l.id, @user_id::uuid) FOR SHARE OF l;

-- name: WaitStockLock :exec
SELECT FROM stock WHERE variant_id = @variant_id ORDER BY variant_id, location_id FOR SHARE;

-- name: WaitBegin :exec
INSERT INTO availability_wait (user_id, variant_id) VALUES (@user_id, @variant_id)
ON CONFLICT (user_id, variant_id) DO UPDATE SET since = clock_timestamp(), told_at = NULL WHERE availability_wait.told_at IS NOT NULL;

-- name: WaitEnd :exec
DELETE FROM availability_wait WHERE user_id = @user_id AND variant_id = @variant_id;

-- name: WaitCount :one
SELECT count(*)::integer FROM availability_wait WHERE user_id = @user_id AND told_at IS NULL;

-- name: WaitPage :many
SELECT * FROM availability_wait
WHERE user_id = @user_id AND told_at IS NULL AND (since, variant_id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY since DESC, variant_id DESC
LIMIT @page_size;

-- name: WishChangeInsert :exec
INSERT INTO wish_change (listing_id, variant_id) SELECT v.listing_id, v.id FROM variant v WHERE v.id = @variant_id;

-- One that nobody works on. A change that was not begun is left to a newer one of the same; a listing that was deleted has no status.
-- name: WishChangeNext :one
SELECT sqlc.embed(c), coalesce(l.status, '')::text AS status, l.price, l.currency,
       (c.told_up_to IS NULL AND EXISTS (SELECT FROM wish_change n WHERE n.id > c.id AND n.listing_id = c.listing_id
            AND n.variant_id IS NOT DISTINCT FROM c.variant_id))::boolean AS newer
FROM wish_change c LEFT JOIN listing l ON l.id = c.listing_id
WHERE c.set_aside_at IS NULL AND (c.next_try_at IS NULL OR c.next_try_at <= clock_timestamp())
ORDER BY c.id LIMIT 1 FOR UPDATE OF c SKIP LOCKED;

-- name: WishChangeTold :exec
UPDATE wish_change SET told_up_to = @told_up_to, failures = 0 WHERE id = @id;

-- A change that failed is tried again after a pause, which doubles up to five minutes, and after the last time never.
-- name: WishChangePutOff :one
UPDATE wish_change
SET failures = failures + 1, failure = left(@why, 1000), next_try_at = clock_timestamp() + make_interval(secs => least(2 ^ failures, 300)),
    set_aside_at = CASE WHEN failures + 1 >= @last::integer THEN clock_timestamp() END
WHERE id = @id
RETURNING failures;

-- name: WishChangeDelete :exec
DELETE FROM wish_change WHERE id = @id;

-- name: WishersOfPrice :many
SELECT w.user_id, w.price, w.currency, listing_offered_to(w.listing_id, w.user_id)::boolean AS offered FROM wish w
WHERE w.listing_id = @listing_id AND w.user_id > @after
ORDER BY w.user_id LIMIT @batch;

-- name: WishPriceTold :exec
UPDATE wish SET price = @price, currency = @currency WHERE listing_id = @listing_id AND user_id = ANY (@users::uuid[]);

-- name: WaitersOfVariant :many
SELECT w.user_id, listing_offered_to(@listing_id, w.user_id)::boolean AS offered FROM availability_wait w
WHERE w.variant_id = @variant_id AND w.told_at IS NULL AND w.user_id > @after
ORDER BY w.user_id LIMIT @batch;

-- Who wishes for the listing, and was not told within a day that there is some again.
-- name: WishersOfStock :many
SELECT w.user_id, listing_offered_to(w.listing_id, w.user_id)::boolean AS offered FROM wish w
WHERE w.listing_id = @listing_id AND w.user_id > @after
  AND (w.available_told_at IS NULL OR w.available_told_at < clock_timestamp() - interval '1 day')
ORDER BY w.user_id LIMIT @batch;

-- name: WaitTold :exec
UPDATE availability_wait SET told_at = clock_timestamp() WHERE variant_id = @variant_id AND user_id = ANY (@users::uuid[]);

-- name: WishAvailableTold :exec
UPDATE wish SET available_told_at = clock_timestamp() WHERE listing_id = @listing_id AND user_id = ANY (@users::uuid[]);
