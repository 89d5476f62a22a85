-- name: WantInsert :one
INSERT INTO want (id, buyer_id, words, ceiling, currency, conditions, category_id, expires_at)
VALUES (@id, @buyer_id, @words, sqlc.narg(ceiling), sqlc.narg(currency), @conditions, sqlc.narg(category_id), clock_timestamp() + make_interval(days => @days))
RETURNING *;

-- The user's row makes one writer of those who post at once: the limit is exact.
-- name: WantBuyerLock :exec
SELECT FROM app_user WHERE id = @id FOR NO KEY UPDATE;

-- name: WantCount :one
SELECT count(*)::integer FROM want WHERE buyer_id = @buyer_id AND closed_at IS NULL AND expires_at > clock_timestamp();

-- name: WantClose :one
UPDATE want SET closed_at = coalesce(closed_at, clock_timestamp()) WHERE id = @id AND buyer_id = @buyer_id RETURNING *;

-- What somebody may see: what is open, of buyers who are not banned, and their own.
-- name: WantsSeenBy :many
SELECT w.* FROM want w JOIN app_user u ON u.id = w.buyer_id
WHERE w.id = ANY (@ids::uuid[])
  AND (w.buyer_id = @viewer_id OR @staff::boolean OR (w.closed_at IS NULL AND w.expires_at > clock_timestamp() AND u.banned_at IS NULL))
ORDER BY w.id;

-- name: WantPage :many
SELECT w.* FROM want w JOIN app_user u ON u.id = w.buyer_id
WHERE w.closed_at IS NULL AND w.expires_at > clock_timestamp() AND u.banned_at IS NULL
  AND (w.created_at, w.id) < (@before_at::timestamptz, @before_id::uuid)
  AND (sqlc.narg(category_id)::uuid IS NULL OR w.category_id = sqlc.narg(category_id))
ORDER BY w.created_at DESC, w.id DESC
LIMIT @page_size;

-- name: WantPageOfBuyer :many
SELECT * FROM want
WHERE buyer_id = @buyer_id AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: WantOpenLock :one
SELECT * FROM want WHERE id = @id AND closed_at IS NULL AND expires_at > clock_timestamp() FOR UPDATE;

-- Whether a seller may offer a listing of theirs to somebody: it is on the market, and the buyer may see it. It stays while it is offered.
-- name: WantListing :one
SELECT (l.status = 'ACTIVE')::boolean AS active, listing_offered_to(l.id, @buyer_id::uuid)::boolean AS offered FROM listing l
WHERE l.id = @id AND l.seller_id = @seller_id FOR KEY SHARE;

-- name: WantOfferCount :one
SELECT count(*)::integer FROM want_offer o JOIN listing l ON l.id = o.listing_id
WHERE o.want_id = @want_id AND o.by_seller AND l.seller_id = @seller_id;

-- name: WantOfferBySeller :exec
INSERT INTO want_offer (want_id, listing_id, by_seller) VALUES (@want_id, @listing_id, true)
ON CONFLICT (want_id, listing_id) DO UPDATE SET by_seller = true;

-- name: WantOfferPage :many
SELECT * FROM want_offer
WHERE want_id = @want_id AND (offered_at, listing_id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY offered_at DESC, listing_id DESC
LIMIT @page_size;

-- One that nobody works on; a listing that was deleted is not active.
-- name: WantChangeNext :one
SELECT sqlc.embed(c), coalesce(l.seller_id, c.listing_id)::uuid AS seller_id, coalesce(l.title, '')::text AS title, coalesce(l.description, '')::text AS description,
    coalesce(l.condition, '')::text AS condition, l.price, l.currency, l.category_id, (l.status IS NOT DISTINCT FROM 'ACTIVE')::boolean AS active
FROM want_change c LEFT JOIN listing l ON l.id = c.listing_id
WHERE c.set_aside_at IS NULL AND (c.next_try_at IS NULL OR c.next_try_at <= clock_timestamp())
ORDER BY c.id LIMIT 1 FOR UPDATE OF c SKIP LOCKED;

-- Wants that a listing fits, all of whose words it has, and whose buyers may see it.
-- name: WantsMatching :many
WITH RECURSIVE up AS (
    SELECT c.id, c.parent_id FROM category c WHERE c.id = sqlc.narg(category_id)::uuid
    UNION ALL
    SELECT c.id, c.parent_id FROM category c JOIN up ON c.id = up.parent_id
)
SELECT w.id, w.buyer_id FROM want w
WHERE w.closed_at IS NULL AND w.expires_at > clock_timestamp() AND w.id > @after
  AND w.lexemes <@ want_words(@words::text)
  AND w.buyer_id <> @seller_id
  AND (w.ceiling IS NULL OR (w.currency = sqlc.narg(currency)::text AND w.ceiling >= sqlc.narg(price)::bigint))
  AND (cardinality(w.conditions) = 0 OR @condition::text = ANY (w.conditions))
  AND (w.category_id IS NULL OR w.category_id IN (SELECT up.id FROM up))
  AND listing_offered_to(@listing_id, w.buyer_id)
ORDER BY w.id
LIMIT @batch;

-- None of a listing that is deleted in this moment.
-- name: WantOffersInsert :many
INSERT INTO want_offer (want_id, listing_id, by_seller)
SELECT w, l.id, false FROM listing l CROSS JOIN (SELECT unnest(@wants::uuid[]) AS w) q WHERE l.id = @listing_id FOR KEY SHARE OF l
ON CONFLICT (want_id, listing_id) DO NOTHING
RETURNING want_id;

-- name: WantChangeSeen :exec
UPDATE want_change SET seen_up_to = @seen_up_to, failures = 0 WHERE id = @id;

-- A change that failed is tried again after a pause, which doubles up to five minutes, and after the last time never.
-- name: WantChangePutOff :one
UPDATE want_change
SET failures = failures + 1, failure = left(@why, 1000), next_try_at = clock_timestamp() + make_interval(secs => least(2 ^ failures, 300)),
    set_aside_at = CASE WHEN failures + 1 >= @last::integer THEN clock_timestamp() END
WHERE id = @id
RETURNING failures;

-- name: WantChangeDelete :exec
DELETE FROM want_change WHERE id = @id;
