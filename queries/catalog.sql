-- name: PhotoInsert :exec
INSERT INTO photo (id, owner_id, content_type, bytes) VALUES (@id, @owner_id, @content_type, @bytes);

-- name: PhotoByID :one
SELECT * FROM photo WHERE id = @id;

-- name: PhotosByID :many
SELECT * FROM photo WHERE id = ANY (@ids::uuid[]) AND status = 'STORED' ORDER BY id;

-- name: PhotoStored :execrows
UPDATE photo SET status = 'STORED', width = @width, height = @height WHERE id = @id AND status = 'PENDING';

-- name: PhotosByListing :many
SELECT lp.listing_id, sqlc.embed(p)
FROM listing_photo lp JOIN photo p ON p.id = lp.photo_id
WHERE lp.listing_id = ANY (@listing_ids::uuid[])
ORDER BY lp.listing_id, lp.position;

-- name: PhotosOwnedFree :many
SELECT p.* FROM photo p
WHERE p.id = ANY (@ids::uuid[]) AND p.owner_id = @owner_id
  AND NOT EXISTS (SELECT 1 FROM listing_photo lp WHERE lp.photo_id = p.id)
ORDER BY p.id;

-- name: ListingInsert :one
INSERT INTO listing (id, seller_id, kind, title, description, condition, price, currency)
VALUES (@id, @seller_id, @kind, @title, @description, @condition, @price, @currency)
RETURNING *;

-- name: ListingPhotosInsert :exec
INSERT INTO listing_photo (listing_id, position, photo_id)
SELECT @listing_id, p.n, p.photo_id
FROM unnest(@photo_ids::uuid[]) WITH ORDINALITY AS p (photo_id, n);

-- name: ListingsByID :many
SELECT * FROM listing WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- name: ListingPage :many
SELECT * FROM listing
WHERE (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: ListingsOnMarket :many
SELECT * FROM listing
WHERE seller_id = @seller_id AND status <> 'SOLD'
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: ListingReserve :execrows
UPDATE listing SET status = 'RESERVED' WHERE id = @id AND seller_id = @seller_id AND status = 'ACTIVE';

-- name: ListingsFree :execrows
UPDATE listing SET status = 'ACTIVE' WHERE id = ANY (@ids::uuid[]) AND status = 'RESERVED';

-- name: ListingMove :execrows
UPDATE listing SET status = @to_status WHERE id = @id AND status = @from_status;
