-- name: PhotosByListing :many
SELECT lp.listing_id, sqlc.embed(p)
FROM listing_photo lp JOIN photo p ON p.id = lp.photo_id
WHERE lp.listing_id = ANY (@listing_ids::uuid[]) AND p.status IN ('STORED', 'READY')
ORDER BY lp.listing_id, lp.position;

-- name: ListingInsert :one
INSERT INTO listing (id, seller_id, kind, title, description, condition, price, currency, option_names, status, category_id, brand_id, minimum_tier)
VALUES (@id, @seller_id, @kind, @title, @description, @condition, @price, @currency, @option_names, @status,
        sqlc.narg(category_id), sqlc.narg(brand_id), sqlc.narg(minimum_tier))
RETURNING *;

-- name: ListingPhotosInsert :exec
INSERT INTO listing_photo (listing_id, position, photo_id)
SELECT @listing_id, p.n, p.photo_id
FROM unnest(@photo_ids::uuid[]) WITH ORDINALITY AS p (photo_id, n);

-- name: ListingPhotosDelete :exec
DELETE FROM listing_photo WHERE listing_id = @listing_id;

-- name: ListingPhotoCount :one
SELECT count(*) FROM listing_photo WHERE listing_id = @listing_id;

-- Whoever they are for: only for who has a right of their own, as the parties of an order have.
-- name: ListingsByID :many
SELECT * FROM listing WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- OFFSET 0 has each id looked up by itself: for twenty PostgreSQL would read all sellers into a hash first.
-- name: ListingsPublic :many
SELECT l.* FROM unnest((SELECT @ids::uuid[])) AS wanted (id)
CROSS JOIN LATERAL (SELECT * FROM public_listing WHERE public_listing.id = wanted.id OFFSET 0) l
ORDER BY l.id;

-- What one person may see: what everybody may, what is offered to their tier, and their own; staff see all.
-- name: ListingsSeenBy :many
SELECT * FROM listing
WHERE listing.id = ANY (@ids::uuid[])
  AND (listing.seller_id = @viewer_id OR @staff::boolean OR EXISTS (SELECT 1 FROM offered_listing o WHERE o.id = listing.id
       AND (o.minimum_tier IS NULL OR tier_rank(o.minimum_tier) <= (SELECT tier_rank(u.tier) FROM app_user u WHERE u.id = @viewer_id))))
ORDER BY listing.id;

-- name: ListingLock :one
SELECT * FROM listing WHERE id = @id FOR UPDATE;

-- A page without filters, which is what is asked for most. Its plan is made once; that of the next depends on which filters are there.
-- name: ListingPageOfAll :many
SELECT * FROM public_listing
WHERE (published_at, id) < (@before_at::timestamptz, @before_id::uuid) AND status IN ('ACTIVE', 'RESERVED', 'SOLD')
ORDER BY published_at DESC, id DESC
LIMIT @page_size;

-- name: ListingPage :many
SELECT * FROM public_listing
WHERE (published_at, id) < (@before_at::timestamptz, @before_id::uuid)
  AND status = ANY (@statuses::text[])
  AND (sqlc.narg(seller_id)::uuid IS NULL OR seller_id = sqlc.narg(seller_id))
  AND (sqlc.narg(kind)::text IS NULL OR kind = sqlc.narg(kind))
  AND (sqlc.narg(categories)::uuid[] IS NULL OR category_id = ANY (sqlc.narg(categories)::uuid[]))
  AND (sqlc.narg(brand_id)::uuid IS NULL OR brand_id = sqlc.narg(brand_id))
ORDER BY published_at DESC, id DESC
LIMIT @page_size;

-- The seller's own, drafts and hidden ones among them.
-- name: ListingsOfSeller :many
SELECT * FROM listing
WHERE seller_id = @seller_id AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
  AND (sqlc.narg(status)::text IS NULL OR status = sqlc.narg(status))
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: ListingsOnMarket :many
SELECT * FROM listing
WHERE seller_id = @seller_id AND status IN ('ACTIVE', 'RESERVED')
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: ListingUpdate :one
UPDATE listing SET title = @title, description = @description, condition = @condition,
    category_id = sqlc.narg(category_id), brand_id = sqlc.narg(brand_id), minimum_tier = sqlc.narg(minimum_tier)
WHERE id = @id RETURNING *;

-- What a buyer has set aside beyond its time is free.
-- name: ListingReserve :execrows
UPDATE listing SET status = 'RESERVED', reserved_by = NULL, reserved_until = NULL
WHERE id = @id AND seller_id = @seller_id AND kind IN ('ONE_OFF', 'LOT') AND minimum_tier IS NULL
  AND (status = 'ACTIVE' OR (status = 'RESERVED' AND reserved_until <= clock_timestamp()));

-- A hidden listing goes on beneath.
-- name: ListingsFree :execrows
UPDATE listing
SET status = CASE status WHEN 'HIDDEN' THEN status ELSE 'ACTIVE' END, hidden_from = CASE status WHEN 'HIDDEN' THEN 'ACTIVE' END
WHERE id = ANY (@ids::uuid[]) AND coalesce(hidden_from, status) = 'RESERVED';

-- name: ListingMove :execrows
UPDATE listing
SET status = CASE status WHEN 'HIDDEN' THEN status ELSE @to_status::text END, hidden_from = CASE status WHEN 'HIDDEN' THEN @to_status::text END
WHERE id = @id AND coalesce(hidden_from, status) = @from_status::text;

-- name: ListingSetStatus :one
UPDATE listing SET status = @status WHERE id = @id RETURNING *;

-- name: ListingHide :one
UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = @id RETURNING *;

-- name: ListingRestore :one
UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE id = @id AND hidden_from IS NOT NULL RETURNING *;

-- Deletes a seller's own listing, but for its photos, or says by what it is kept.
-- name: ListingErase :one
SELECT listing_erase(@listing_id, @seller_id, @subject)::text[] AS kept;

-- Whether a seller has deleted a listing of theirs.
-- name: ListingDeletedBy :one
SELECT EXISTS (SELECT FROM listing_deleted WHERE listing_id = @listing_id AND seller_id = @seller_id)::boolean AS deleted;

-- name: ListingPhotoIDs :many
SELECT photo_id FROM listing_photo WHERE listing_id = @listing_id ORDER BY photo_id;

-- name: ListingMoves :many
SELECT * FROM listing_move ORDER BY from_state, to_state;

-- name: ListingAttributesDelete :exec
DELETE FROM listing_attribute WHERE listing_id = @listing_id;

-- name: ListingAttributesInsert :exec
INSERT INTO listing_attribute (listing_id, attribute_id, type, value)
SELECT @listing_id, unnest(@attributes::uuid[]), unnest(@types::text[]), unnest(@values::text[]);

-- name: ListingAttributes :many
SELECT la.listing_id, la.attribute_id, la.value FROM listing_attribute la JOIN attribute a ON a.id = la.attribute_id
WHERE la.listing_id = ANY (@listing_ids::uuid[]) AND a.retired_at IS NULL
ORDER BY la.listing_id, a.position, a.code, a.id;

-- name: VariantInsert :one
INSERT INTO variant (id, listing_id, seller_id, position, sku, option_values, price, currency, grams)
VALUES (@id, @listing_id, @seller_id, @position, @sku, @option_values, @price, @currency, @grams)
RETURNING *;

-- name: VariantUpdate :one
UPDATE variant SET sku = @sku, price = @price, currency = @currency, grams = @grams WHERE id = @id RETURNING *;

-- name: VariantRetire :one
UPDATE variant SET retired_at = clock_timestamp() WHERE id = @id RETURNING *;

-- name: VariantByID :one
SELECT * FROM variant WHERE id = @id;

-- name: VariantOwn :one
SELECT sqlc.embed(v), l.kind FROM variant v JOIN listing l ON l.id = v.listing_id
WHERE v.id = @id AND v.seller_id = @seller_id AND v.retired_at IS NULL;

-- name: VariantsByID :many
SELECT * FROM variant WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- name: VariantsByListing :many
SELECT * FROM variant
WHERE listing_id = ANY (@listing_ids::uuid[]) AND retired_at IS NULL
ORDER BY listing_id, position, id;

-- name: PriceChanges :many
SELECT * FROM price_change WHERE variant_id = @variant_id AND id < @before ORDER BY id DESC LIMIT @page_size;

-- name: ListingPlaceSet :exec
INSERT INTO listing_place (listing_id, latitude, longitude) VALUES (@listing_id, @latitude, @longitude)
ON CONFLICT (listing_id) DO UPDATE SET latitude = excluded.latitude, longitude = excluded.longitude;

-- name: ListingPlaces :many
SELECT listing_id, latitude::double precision AS latitude, longitude::double precision AS longitude
FROM listing_place WHERE listing_id = ANY (@ids::uuid[]) AND latitude IS NOT NULL
ORDER BY listing_id;

-- Whether anything was taken down that an earlier snapshot does not know, and the snapshot that says so.
-- name: TakedownsSince :one
SELECT pg_current_snapshot()::text AS snapshot, EXISTS (
    SELECT FROM takedown t
    WHERE t.xid >= pg_snapshot_xmin(CAST(@seen::text AS pg_snapshot)) AND NOT pg_visible_in_snapshot(t.xid, CAST(@seen::text AS pg_snapshot))
)::boolean AS any_new;
