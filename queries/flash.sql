-- name: FlashListingLock :one
SELECT seller_id FROM listing WHERE id = @id AND (seller_id = @actor_id OR @staff::boolean) AND kind IN ('RETAIL', 'DIGITAL_CODE', 'ONE_OFF') FOR UPDATE;

-- name: FlashOverlaps :one
SELECT EXISTS (
    SELECT 1 FROM flash_sale
    WHERE listing_id = @listing_id AND cancelled_at IS NULL AND starts_at < @ends_at::timestamptz AND ends_at > @starts_at::timestamptz)::boolean;

-- name: FlashSaleInsert :one
INSERT INTO flash_sale (id, listing_id, seller_id, mode, starts_at, ends_at, admit_per_minute, per_buyer, commitment, seed, turned_at)
VALUES (@id, @listing_id, @seller_id, @mode, @starts_at, @ends_at, @admit_per_minute, @per_buyer, @commitment, @seed, @starts_at)
RETURNING *;

-- For who may see its listing.
-- name: FlashSaleSeenBy :one
SELECT f.* FROM flash_sale f
WHERE f.id = @id AND (f.seller_id = @viewer_id OR EXISTS (SELECT 1 FROM public_listing l WHERE l.id = f.listing_id));

-- name: FlashSaleCancel :one
UPDATE flash_sale SET cancelled_at = clock_timestamp()
WHERE id = @id AND (seller_id = @actor_id OR @staff::boolean) AND cancelled_at IS NULL AND ends_at > clock_timestamp()
RETURNING *;

-- The one that runs, else the next, of each listing.
-- name: FlashSalesOfListings :many
SELECT DISTINCT ON (listing_id) * FROM flash_sale
WHERE listing_id = ANY (@listing_ids::uuid[]) AND cancelled_at IS NULL AND ends_at > clock_timestamp()
ORDER BY listing_id, starts_at;

-- name: FlashSalesRunning :many
SELECT * FROM flash_sale
WHERE cancelled_at IS NULL AND ends_at > clock_timestamp() AND starts_at <= clock_timestamp()
ORDER BY id;

-- name: FlashJoin :exec
SELECT flash_join(@sale_id, @users::uuid[]);

-- A lottery whose draw is due. The two statements after it see all who joined before the lock.
-- name: FlashDrawLock :one
SELECT id, seed, commitment FROM flash_sale
WHERE id = @id AND mode = 'LOTTERY' AND drawn_at IS NULL AND cancelled_at IS NULL AND starts_at <= clock_timestamp()
FOR UPDATE;

-- name: FlashDrawNumbers :exec
UPDATE flash_place p SET number = d.number
FROM (SELECT user_id, row_number() OVER (ORDER BY sha256(@seed::bytea || uuid_send(user_id))) AS number FROM flash_place WHERE sale_id = @sale_id) d
WHERE p.sale_id = @sale_id AND p.user_id = d.user_id;

-- name: FlashDrawn :exec
UPDATE flash_sale SET drawn_at = clock_timestamp() WHERE id = @id;

-- The seed of a lottery that was drawn.
-- name: FlashSeed :one
SELECT seed, commitment FROM flash_sale WHERE id = @id AND drawn_at IS NOT NULL;

-- name: FlashAdmit :one
SELECT flash_admit(@sale_id, @upto)::bigint AS admitted;

-- held says that what was reserved with the place is set aside still, sold that it was paid.
-- name: FlashPlaces :many
SELECT sqlc.embed(p), f.admitted, coalesce(r.status = 'OPEN' AND r.expires_at > clock_timestamp(), false)::boolean AS held, coalesce(r.status = 'CONSUMED', false)::boolean AS sold
FROM flash_place p JOIN flash_sale f ON f.id = p.sale_id LEFT JOIN reservation r ON r.id = p.reservation_id
WHERE p.sale_id = @sale_id AND p.user_id = ANY (@users::uuid[])
ORDER BY p.user_id;

-- name: FlashPlacesOfUser :many
SELECT sqlc.embed(p), f.admitted, coalesce(r.status = 'OPEN' AND r.expires_at > clock_timestamp(), false)::boolean AS held, coalesce(r.status = 'CONSUMED', false)::boolean AS sold
FROM flash_place p JOIN flash_sale f ON f.id = p.sale_id LEFT JOIN reservation r ON r.id = p.reservation_id
WHERE p.user_id = @user_id AND p.sale_id = ANY (@sales::uuid[])
ORDER BY p.sale_id;

-- name: FlashTickets :many
SELECT p.number::bigint AS number, sha256(@seed::bytea || uuid_send(p.user_id))::bytea AS ticket FROM flash_place p
WHERE p.sale_id = @sale_id AND p.number > @after::bigint
ORDER BY p.number
LIMIT @page_size;

-- name: FlashUserSince :one
SELECT created_at FROM app_user WHERE id = @id;
