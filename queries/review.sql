-- name: ReviewInsert :one
INSERT INTO review (id, order_id, subject, author_id, seller_id, listing_id, stars, body)
VALUES (@id, @order_id, @subject, @author_id, @seller_id, @listing_id, @stars, @body)
RETURNING *;

-- The one that there is of what somebody reviews again.
-- name: ReviewOfOrder :one
SELECT * FROM review WHERE order_id = @order_id AND subject = @subject AND (@subject <> 'LISTING' OR listing_id = @listing_id);

-- name: ReviewLock :one
SELECT * FROM review WHERE id = @id FOR UPDATE;

-- name: ReviewEdit :one
UPDATE review SET stars = @stars, body = @body, edited_at = clock_timestamp()
WHERE id = @id AND author_id = @author_id AND hidden_at IS NULL AND created_at > clock_timestamp() - make_interval(days => @days)
RETURNING *;

-- name: ReviewSetHidden :one
UPDATE review SET hidden_at = CASE WHEN @hidden::boolean THEN clock_timestamp() END WHERE id = @id RETURNING *;

-- What somebody may see: what is not hidden, of a listing that they may see; besides, their own, that of what they sold, and for staff all.
-- name: ReviewsSeenBy :many
SELECT * FROM review
WHERE id = ANY (@ids::uuid[])
  AND (@staff::boolean OR author_id = @viewer_id
    OR (hidden_at IS NULL AND (subject = 'SELLER' OR seller_id = @viewer_id OR listing_offered_to(listing_id, @viewer_id))))
ORDER BY id;

-- name: ReviewsOfListing :many
SELECT * FROM review
WHERE listing_id = @listing_id AND subject = 'LISTING' AND hidden_at IS NULL AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: ReviewsOfSeller :many
SELECT * FROM review
WHERE seller_id = @seller_id AND subject = 'SELLER' AND hidden_at IS NULL AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: ReviewsByOrder :many
SELECT * FROM review WHERE order_id = ANY (@orders::uuid[]) ORDER BY order_id, subject, created_at, id;

-- The listings that the buyer of completed orders may review yet, in the order of their lines.
-- name: ReviewsMissing :many
SELECT l.order_id, l.listing_id FROM orders o JOIN order_line l ON l.order_id = o.id
WHERE o.id = ANY (@orders::uuid[]) AND o.buyer_id = @buyer_id AND o.payment = 'SETTLED' AND o.fulfilment = 'RECEIVED'
  AND NOT EXISTS (SELECT FROM review r WHERE r.order_id = l.order_id AND r.subject = 'LISTING' AND r.listing_id = l.listing_id)
GROUP BY l.order_id, l.listing_id
ORDER BY l.order_id, min(l.number);

-- name: Ratings :many
SELECT * FROM rating WHERE subject = @subject AND subject_id = ANY (@ids::uuid[]) ORDER BY subject_id;

-- name: ReviewReportInsert :exec
INSERT INTO review_report (review_id, reporter_id, reason) VALUES (@review_id, @reporter_id, @reason)
ON CONFLICT (review_id, reporter_id) DO NOTHING;

-- name: ReviewReportPage :many
SELECT * FROM review_report
WHERE (reported_at, review_id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY reported_at DESC, review_id DESC
LIMIT @page_size;
