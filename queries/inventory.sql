-- name: LocationInsert :one
INSERT INTO location (id, seller_id, name, region) VALUES (@id, @seller_id, @name, @region) RETURNING *;

-- name: LocationsOfSeller :many
SELECT * FROM location WHERE seller_id = @seller_id AND NOT digital ORDER BY created_at, id;

-- name: LocationCount :one
SELECT count(*) FROM location WHERE seller_id = @seller_id AND NOT digital;

-- Where a seller's codes lie, made where there is none.
-- name: LocationDigitalMake :exec
INSERT INTO location (id, seller_id, name, region, digital) VALUES (@id, @seller_id, 'Digital codes', 'ZZ', true)
ON CONFLICT (seller_id) WHERE digital DO NOTHING;

-- name: LocationDigital :one
SELECT id FROM location WHERE seller_id = @seller_id AND digital;

-- name: LocationsByID :many
SELECT * FROM location WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- name: StockMake :exec
INSERT INTO stock (variant_id, location_id, seller_id) VALUES (@variant_id, @location_id, @seller_id) ON CONFLICT DO NOTHING;

-- In the order in which stock is locked everywhere: the second side of a move waits behind nobody who waits for the first.
-- name: StockLock :many
SELECT * FROM stock WHERE variant_id = ANY (@variant_ids::uuid[]) ORDER BY variant_id, location_id FOR UPDATE;

-- name: StockOf :many
SELECT sqlc.embed(s), l.region, l.created_at FROM stock s JOIN location l ON l.id = s.location_id
WHERE s.variant_id = ANY (@variant_ids::uuid[]) ORDER BY s.variant_id, l.created_at, l.id;

-- name: StockLevel :one
SELECT * FROM stock WHERE variant_id = @variant_id AND location_id = @location_id;

-- number and on_hand are the trigger's.
-- name: StockMovementInsert :one
INSERT INTO stock_movement (variant_id, location_id, number, kind, quantity, on_hand, cause_id, actor_id, note, idempotency_key, request_hash)
VALUES (@variant_id, @location_id, 0, @kind, @quantity, 0, @cause_id, @actor_id, @note, sqlc.narg(idempotency_key), sqlc.narg(request_hash))
RETURNING *;

-- name: StockMovementByKey :one
SELECT * FROM stock_movement WHERE actor_id = @actor_id AND idempotency_key = @idempotency_key::text ORDER BY kind LIMIT 1;

-- name: StockMovementPage :many
SELECT * FROM stock_movement
WHERE variant_id = @variant_id AND location_id = @location_id AND number < @before
ORDER BY number DESC
LIMIT @page_size;

-- name: StockAlertSet :one
UPDATE stock SET low_at = sqlc.narg(low_at) WHERE variant_id = @variant_id AND location_id = @location_id AND seller_id = @seller_id RETURNING *;

-- How much may be reserved; what is set aside beyond its time counts as free, whether or not the job has been there.
-- name: VariantsAvailable :many
SELECT v.id,
       (CASE WHEN l.kind IN ('RETAIL', 'DIGITAL_CODE') THEN
            CASE WHEN l.status = 'ACTIVE' AND v.retired_at IS NULL THEN
                coalesce((SELECT sum(s.on_hand - s.reserved) FROM stock s WHERE s.variant_id = v.id), 0)
              + coalesce((SELECT sum(rl.quantity) FROM reservation_line rl JOIN reservation r ON r.id = rl.reservation_id
                          WHERE rl.variant_id = v.id AND r.status = 'OPEN' AND r.expires_at <= clock_timestamp()), 0)
            ELSE 0 END
        WHEN l.kind <> 'LOT' AND l.price IS NOT NULL
             AND (l.status = 'ACTIVE' OR (l.status = 'RESERVED' AND l.reserved_until <= clock_timestamp())) THEN 1
        ELSE 0 END)::integer AS available
FROM variant v JOIN listing l ON l.id = v.listing_id
WHERE v.id = ANY ((SELECT @ids::uuid[])::uuid[])
ORDER BY v.id;

-- What buyers may buy, each of what they want, with what is needed to reserve it and with each place that has some: of listings that are
-- offered to their tier. number is the want's, from 1. Of a series PostgreSQL would believe that it has a thousand rows, and read the whole stock.
-- name: VariantsForSale :many
SELECT w.number::integer AS number, l.kind, l.status, f.id AS flash_sale,
       s.location_id, coalesce(p.region, '') AS region, coalesce(s.on_hand - s.reserved, 0)::integer AS free
FROM unnest((SELECT @ids::uuid[])) WITH ORDINALITY AS w (variant_id, number)
CROSS JOIN LATERAL (
    SELECT o.* FROM variant v JOIN offered_listing o ON o.id = v.listing_id
    WHERE v.id = w.variant_id AND v.retired_at IS NULL AND v.price IS NOT NULL
      AND (o.minimum_tier IS NULL OR tier_rank(o.minimum_tier) <= (SELECT tier_rank(u.tier) FROM app_user u WHERE u.id = (@buyers::uuid[])[w.number]))
    OFFSET 0
) l
LEFT JOIN flash_sale f ON f.listing_id = l.id AND f.cancelled_at IS NULL AND f.starts_at <= clock_timestamp() AND f.ends_at > clock_timestamp()
LEFT JOIN stock s ON s.variant_id = w.variant_id
LEFT JOIN location p ON p.id = s.location_id
ORDER BY w.number, p.created_at, p.id;

-- name: ReservationOpen :one
SELECT reservation_open(@id, @user_id, @idempotency_key, @request_hash, @seconds, @variants::uuid[], @locations::uuid[], @quantities::integer[])::timestamptz AS created_at;

-- name: ReservationsOpen :one
SELECT reservations_open(@ids::uuid[], @users::uuid[], @keys::text[], @hashes::bytea[], @seconds,
    @of_lines::integer[], @numbers::integer[], @variants::uuid[], @locations::uuid[], @quantities::integer[])::timestamptz AS created_at;

-- name: ReservationInsert :one
INSERT INTO reservation (id, user_id, idempotency_key, request_hash, created_at, expires_at)
SELECT @id, @user_id, @idempotency_key, @request_hash, began, began + make_interval(secs => @seconds::float8) FROM clock_timestamp() AS began
RETURNING created_at;

-- name: ReservationTake :exec
SELECT reservation_take(@id, @variants::uuid[], @locations::uuid[], @quantities::integer[]);

-- name: ReservationSwap :exec
SELECT reservation_swap(@old, @id, @variants::uuid[], @locations::uuid[], @quantities::integer[]);

-- name: ReservationLock :one
SELECT status FROM reservation WHERE id = @id AND user_id = @user_id FOR UPDATE;

-- What exists once is locked before stock.
-- name: ListingsLock :exec
SELECT FROM listing WHERE id = ANY (@ids::uuid[]) ORDER BY id FOR UPDATE;

-- name: ReservationFree :one
SELECT reservation_free(@id, @status)::boolean AS freed;

-- Gives back a buyer's own reservation, and reads it as it was before.
-- name: ReservationRelease :one
WITH ended AS MATERIALIZED (SELECT reservation_free(r.id, 'RELEASED') AS freed FROM reservation r WHERE r.id = @id AND r.user_id = @user_id)
SELECT sqlc.embed(r), ended.freed::boolean AS freed FROM ended, reservation r WHERE r.id = @id;

-- Gives back what buyers have reserved, each their own, and reads what was asked for as it was before; by one look for each, whatever PostgreSQL
-- believes of a table that was empty when it planned.
-- name: ReservationsRelease :many
WITH ended AS MATERIALIZED (SELECT reservations_release(@ids::uuid[], @users::uuid[])::uuid[] AS gone)
SELECT r.*, (r.id = ANY (ended.gone))::boolean AS freed
FROM ended CROSS JOIN unnest((SELECT @ids::uuid[])) AS w (id) CROSS JOIN LATERAL (SELECT * FROM reservation x WHERE x.id = w.id OFFSET 0) r
ORDER BY r.id;

-- name: ReservationSell :one
SELECT r.consumed::boolean AS consumed, r.variants::uuid[] AS variants, r.locations::uuid[] AS locations, r.numbers::bigint[] AS numbers, r.left_on_hand::integer[] AS left_on_hand
FROM reservation_sell(@id::uuid) AS r;

-- name: ReservationByID :one
SELECT * FROM reservation WHERE id = @id;

-- name: ReservationByKey :one
SELECT * FROM reservation WHERE user_id = @user_id AND idempotency_key = @idempotency_key;

-- name: ReservationLines :many
SELECT * FROM reservation_line WHERE reservation_id = @reservation_id ORDER BY number;

-- name: ReservationsDue :many
SELECT id FROM reservation WHERE status = 'OPEN' AND expires_at <= clock_timestamp() ORDER BY expires_at, id LIMIT @page_size;

-- name: ReservationsDueOf :many
SELECT DISTINCT r.id FROM reservation r JOIN reservation_line l ON l.reservation_id = r.id
WHERE l.variant_id = ANY (@variant_ids::uuid[]) AND r.status = 'OPEN' AND r.expires_at <= clock_timestamp()
ORDER BY r.id;

-- Who sells what of which there is little left.
-- name: VariantSellers :many
SELECT v.id, v.seller_id, l.kind FROM variant v JOIN listing l ON l.id = v.listing_id WHERE v.id = ANY (@ids::uuid[]) ORDER BY v.id;
