-- A user's cart, made where there is none; the row's lock makes one writer a cart.
-- name: CartOfUserLock :one
INSERT INTO cart (id, user_id) VALUES (@id, @user_id)
ON CONFLICT (user_id) DO UPDATE SET changed_at = clock_timestamp()
RETURNING *;

-- name: CartOfGuestLock :one
UPDATE cart SET changed_at = clock_timestamp() WHERE token_hash = @token_hash RETURNING *;

-- name: CartInsertGuest :one
INSERT INTO cart (id, token_hash) VALUES (@id, @token_hash) RETURNING *;

-- name: CartOfUser :one
SELECT * FROM cart WHERE user_id = @user_id;

-- name: CartHeld :one
SELECT c.id, coalesce(r.status = 'OPEN', false)::boolean AS held FROM cart c LEFT JOIN reservation r ON r.id = c.reservation_id WHERE c.user_id = @user_id;

-- name: CartOfGuest :one
SELECT * FROM cart WHERE token_hash = @token_hash;

-- A line with how its variant stands now: offered says whether the cart's owner may see it, held how many of it the cart's reservation has.
-- name: CartLines :many
-- A listing that was deleted has no variant any more.
SELECT sqlc.embed(cl), coalesce(v.seller_id, '00000000-0000-0000-0000-000000000000')::uuid AS seller_id, v.price, v.currency,
       (v.id IS NOT NULL AND v.retired_at IS NULL AND listing_offered_to(v.listing_id, c.user_id))::boolean AS offered,
       coalesce((SELECT sum(rl.quantity) FROM reservation r JOIN reservation_line rl ON rl.reservation_id = r.id
                 WHERE r.id = c.reservation_id AND r.status = 'OPEN' AND r.expires_at > clock_timestamp() AND rl.variant_id = cl.variant_id), 0)::integer AS held
FROM cart c JOIN cart_line cl ON cl.cart_id = c.id LEFT JOIN variant v ON v.id = cl.variant_id
WHERE c.id = @cart_id
ORDER BY cl.added_at, cl.variant_id;

-- What somebody may put into a cart.
-- name: CartVariant :one
SELECT v.seller_id, v.price, v.currency, l.kind FROM variant v JOIN listing l ON l.id = v.listing_id
WHERE v.id = @id AND v.retired_at IS NULL AND listing_offered_to(l.id, @user_id::uuid);

-- name: CartLineAdd :exec
INSERT INTO cart_line (cart_id, variant_id, quantity, price_seen, currency_seen)
VALUES (@cart_id, @variant_id, @quantity, @price_seen, @currency_seen)
ON CONFLICT (cart_id, variant_id) DO UPDATE
SET quantity = cart_line.quantity + excluded.quantity, saved = false, price_seen = excluded.price_seen, currency_seen = excluded.currency_seen;

-- name: CartLineLock :one
SELECT * FROM cart_line WHERE cart_id = @cart_id AND variant_id = @variant_id FOR UPDATE;

-- name: CartLineSet :exec
INSERT INTO cart_line (cart_id, variant_id, quantity, saved, price_seen, currency_seen)
VALUES (@cart_id, @variant_id, @quantity, @saved, @price_seen, @currency_seen)
ON CONFLICT (cart_id, variant_id) DO UPDATE
SET quantity = excluded.quantity, saved = excluded.saved, price_seen = excluded.price_seen, currency_seen = excluded.currency_seen;

-- name: CartLineDelete :execrows
DELETE FROM cart_line WHERE cart_id = @cart_id AND variant_id = @variant_id;

-- What a guest's cart brings, but for what its new owner sells and what was deleted.
-- name: CartLinesToMerge :many
SELECT cl.* FROM cart_line cl JOIN variant v ON v.id = cl.variant_id
WHERE cl.cart_id = @cart_id AND v.seller_id <> @user_id
ORDER BY cl.added_at, cl.variant_id;

-- name: CartDelete :exec
DELETE FROM cart WHERE id = @id;

-- Ties an open reservation to a cart that has none; the cart is locked.
-- name: CartReserved :execrows
UPDATE cart c SET reservation_id = @reservation_id::uuid
WHERE c.id = @cart_id
  AND EXISTS (SELECT FROM reservation r WHERE r.id = @reservation_id AND r.status = 'OPEN')
  AND NOT EXISTS (SELECT FROM reservation r WHERE r.id = c.reservation_id AND r.status = 'OPEN' AND r.expires_at > clock_timestamp());

-- name: CartPrune :execrows
DELETE FROM cart
WHERE id IN (
    SELECT c.id FROM cart c
    WHERE c.user_id IS NULL AND c.changed_at < clock_timestamp() - make_interval(days => @keep_days)
    ORDER BY c.changed_at LIMIT @batch FOR UPDATE SKIP LOCKED);
