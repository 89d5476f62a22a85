-- What a seller's order is, to send it; the order is locked.
-- name: ShipmentOrderLock :one
SELECT payment, fulfilment, disputed FROM orders WHERE id = @id AND seller_id = @seller_id FOR UPDATE;

-- name: ShipmentOrderLockAny :one
SELECT id FROM orders WHERE id = @id FOR UPDATE;

-- Where an order's goods lie, and whether there is anything to send.
-- name: ShipmentPlaces :many
SELECT DISTINCT rl.location_id
FROM orders o JOIN order_line l ON l.order_id = o.id JOIN listing g ON g.id = l.listing_id AND g.kind <> 'DIGITAL_CODE'
LEFT JOIN reservation_line rl ON rl.reservation_id = o.reservation_id AND rl.variant_id = l.variant_id
WHERE o.id = @order_id
ORDER BY 1;

-- Where an order is sent, and how its buyer chose that.
-- name: ShipmentShipTo :one
SELECT q.ship_to, g.in_person, g.parcels FROM quote_group g JOIN checkout c ON c.quote_id = g.quote_id JOIN quote q ON q.id = g.quote_id
WHERE g.order_id = @order_id AND NOT g.digital;

-- Whether a carrier would not bring what is at a place.
-- name: ShipmentFailedAt :one
SELECT EXISTS (
    SELECT FROM shipment
    WHERE order_id = @order_id AND claim_id IS NULL AND status = 'FAILED' AND outcome IS DISTINCT FROM 'CANCELLED'
      AND coalesce(location_id, '00000000-0000-0000-0000-000000000000') = coalesce(sqlc.narg('location_id')::uuid, '00000000-0000-0000-0000-000000000000'))::boolean;

-- name: ShippingParcelsOfOrders :many
SELECT g.order_id, g.parcels FROM quote_group g JOIN checkout c ON c.quote_id = g.quote_id
WHERE g.order_id = ANY (@order_ids::uuid[]) AND g.parcels IS NOT NULL
ORDER BY g.order_id;

-- name: ShippingProfileSet :one
INSERT INTO shipping_profile (seller_id, grams, offers) VALUES (@seller_id, @grams, @offers)
ON CONFLICT (seller_id) DO UPDATE SET grams = excluded.grams, offers = excluded.offers, changed_at = clock_timestamp()
RETURNING *;

-- name: ShippingProfileGet :one
SELECT * FROM shipping_profile WHERE seller_id = @seller_id;

-- How sellers send, and from where: their default address, with empty texts where there is none.
-- name: ShippingSenders :many
SELECT sqlc.embed(p), coalesce(a.name, '') AS name, coalesce(a.line1, '') AS line1, coalesce(a.line2, '') AS line2, coalesce(a.city, '') AS city,
       coalesce(a.region, '') AS region, coalesce(a.postal_code, '') AS postal_code, coalesce(a.country, '') AS country, coalesce(a.phone, '') AS phone
FROM shipping_profile p LEFT JOIN address a ON a.user_id = p.seller_id AND a.is_default
WHERE p.seller_id = ANY (@seller_ids::uuid[])
ORDER BY p.seller_id;

-- name: ShipmentInsert :one
INSERT INTO shipment (id, order_id, seller_id, location_id, claim_id, carrier, product, point_id, reference, grams, ship_from, ship_to, losses)
VALUES (@id, @order_id, @seller_id, sqlc.narg('location_id'), sqlc.narg('claim_id'), @carrier, @product, sqlc.narg('point_id'), @reference, @grams, @ship_from, @ship_to, @losses)
RETURNING *;

-- name: ShipmentLiveAt :one
SELECT * FROM shipment
WHERE order_id = @order_id AND coalesce(location_id, '00000000-0000-0000-0000-000000000000') = coalesce(sqlc.narg('location_id')::uuid, '00000000-0000-0000-0000-000000000000') AND status <> 'FAILED' AND claim_id IS NULL;

-- What brings an order to its buyer.
-- name: ShipmentsLiveOfOrder :many
SELECT * FROM shipment WHERE order_id = @order_id AND status <> 'FAILED' AND claim_id IS NULL ORDER BY created_at, id;

-- name: ShipmentLiveOfClaim :one
SELECT * FROM shipment WHERE claim_id = @claim_id AND status <> 'FAILED';

-- name: ShipmentOrderSeller :one
SELECT seller_id FROM orders WHERE id = @id AND buyer_id = @buyer_id;

-- name: ShipmentOrderBuyer :one
SELECT buyer_id FROM orders WHERE id = @id;

-- name: ShipmentReturnLock :one
SELECT seller_id FROM orders WHERE id = @id AND buyer_id = @buyer_id FOR UPDATE;

-- By what an order's goods are to go back, if by anything.
-- name: ShipmentReturnClaim :one
SELECT id, status FROM order_claim WHERE order_id = @order_id AND ended_at IS NULL;

-- name: ShipmentsOfOrders :many
SELECT * FROM shipment WHERE order_id = ANY (@order_ids::uuid[]) ORDER BY order_id, created_at, id;

-- name: ShipmentOfParty :one
SELECT s.* FROM shipment s JOIN orders o ON o.id = s.order_id WHERE s.id = @id AND @party::uuid IN (o.buyer_id, o.seller_id);

-- name: ShipmentGet :one
SELECT * FROM shipment WHERE id = @id;

-- name: ShipmentLock :one
SELECT * FROM shipment WHERE id = @id FOR UPDATE;

-- name: ShipmentBusy :one
SELECT coalesce(busy_until > clock_timestamp(), false)::boolean FROM shipment WHERE id = @id;

-- Takes a shipment that is due to be tried, unless somebody is at it; a call of theirs that has not come back by busy_until is in doubt. The order's own
-- lock is not taken: whether it was cancelled is read again by who buys next.
-- name: ShipmentClaim :one
UPDATE shipment s SET attempts = s.attempts + 1, busy_until = clock_timestamp() + make_interval(secs => @lease_seconds::float8), in_doubt = true
FROM (SELECT w.id, w.in_doubt AS was_in_doubt, (o.fulfilment = 'CANCELLED' OR EXISTS (SELECT FROM order_claim c WHERE c.id = w.claim_id AND c.ended_at IS NOT NULL))::boolean AS order_cancelled FROM shipment w JOIN orders o ON o.id = w.order_id WHERE w.id = @id FOR UPDATE OF w) was
WHERE s.id = was.id AND s.status = 'PENDING' AND s.next_try_at <= clock_timestamp() AND (s.busy_until IS NULL OR s.busy_until <= clock_timestamp())
RETURNING sqlc.embed(s), was.was_in_doubt, was.order_cancelled;

-- name: ShipmentCalled :exec
UPDATE shipment SET called_at = clock_timestamp() WHERE id = @id;

-- name: ShipmentRegistered :one
UPDATE shipment SET carrier_number = @carrier_number, document = @document, cost = sqlc.narg('cost'), currency = sqlc.narg('currency'), in_doubt = false,
       outcome = NULL, failure_code = '', failure_text = ''
WHERE id = @id AND status = 'PENDING' AND carrier_number IS NULL
RETURNING *;

-- name: ShipmentLabelled :one
UPDATE shipment SET status = 'LABELLED', label_key = @label_key::text, labelled_at = clock_timestamp(), busy_until = NULL, next_try_at = NULL, in_doubt = false,
       outcome = NULL, failure_code = '', failure_text = '', track_at = clock_timestamp() + make_interval(secs => @track_seconds::float8)
WHERE id = @id AND status = 'PENDING'
RETURNING *;

-- A negative time to the next try stands for none: somebody has to say so.
-- name: ShipmentTried :one
UPDATE shipment SET status = @status, outcome = @outcome, failure_code = @failure_code, failure_text = @failure_text, in_doubt = @in_doubt, busy_until = NULL,
       next_try_at = CASE WHEN @status = 'PENDING' AND @next_seconds::float8 >= 0 THEN clock_timestamp() + make_interval(secs => @next_seconds::float8) END,
       ended_at = CASE WHEN @status = 'FAILED' THEN clock_timestamp() END,
       alerted_at = CASE WHEN alerted_at IS NULL AND @status = 'PENDING' AND (@alert_now::boolean OR created_at < clock_timestamp() - make_interval(secs => @alert_seconds::float8)) THEN clock_timestamp() ELSE alerted_at END
WHERE id = @id AND status IN ('PENDING', 'LABELLED')
RETURNING *;

-- Gives a shipment up that its carrier does not have, and says what is to become of its label.
-- name: ShipmentGiveUp :one
UPDATE shipment SET status = 'FAILED', outcome = 'CANCELLED', failure_code = 'CANCELLED', failure_text = '', busy_until = NULL, next_try_at = NULL, track_at = NULL, ended_at = clock_timestamp(),
       recall = sqlc.narg('recall')::text, recall_at = CASE WHEN sqlc.narg('recall')::text = 'PENDING' THEN clock_timestamp() END
WHERE id = @id AND status IN ('PENDING', 'LABELLED')
RETURNING *;

-- Takes a label that is to be taken back, unless somebody is at it.
-- name: ShipmentRecallClaim :one
UPDATE shipment SET recall_attempts = recall_attempts + 1, busy_until = clock_timestamp() + make_interval(secs => @lease_seconds::float8)
WHERE id = @id AND recall_at <= clock_timestamp() AND (busy_until IS NULL OR busy_until <= clock_timestamp())
RETURNING *;

-- name: ShipmentRecalled :exec
UPDATE shipment SET recall = @recall, busy_until = NULL, failure_code = @failure_code, failure_text = @failure_text,
       recall_at = CASE WHEN @next_seconds::float8 >= 0 THEN clock_timestamp() + make_interval(secs => @next_seconds::float8) END
WHERE id = @id AND recall = 'PENDING';

-- name: ShipmentsToRecall :many
SELECT id FROM shipment WHERE recall_at <= clock_timestamp() AND (busy_until IS NULL OR busy_until <= clock_timestamp()) AND id > @after_id ORDER BY id LIMIT @page_size;

-- name: ShipmentsToTry :many
SELECT id FROM shipment
WHERE status = 'PENDING' AND next_try_at <= clock_timestamp() AND (busy_until IS NULL OR busy_until <= clock_timestamp()) AND id > @after_id
ORDER BY id
LIMIT @page_size;

-- name: ShipmentsToTrack :many
SELECT id FROM shipment WHERE track_at <= clock_timestamp() AND id > @after_id ORDER BY id LIMIT @page_size;

-- Nobody else asks the carrier meanwhile.
-- name: ShipmentTrackClaim :one
UPDATE shipment SET track_at = clock_timestamp() + make_interval(secs => @seconds::float8) WHERE id = @id AND track_at <= clock_timestamp() RETURNING *;

-- name: ShipmentTracked :one
UPDATE shipment SET status = @status, steps = @steps,
       track_at = CASE WHEN @status IN ('DELIVERED', 'RETURNED', 'FAILED') THEN NULL ELSE clock_timestamp() + make_interval(secs => @next_seconds::float8) END,
       delivered_at = CASE WHEN @status = 'DELIVERED' THEN coalesce(delivered_at, clock_timestamp()) ELSE delivered_at END,
       ended_at = CASE WHEN @status IN ('DELIVERED', 'RETURNED') THEN coalesce(ended_at, clock_timestamp()) ELSE ended_at END
WHERE id = @id
RETURNING *;

-- What a carrier tells of its points, in the order of their numbers, so that two searches at once do not wait for one another in a circle. What was told a
-- moment ago, and is the same, is not written again.
-- name: PickupPointsKeep :exec
INSERT INTO pickup_point (carrier, country, number, name, lines, postal_code, city, latitude, longitude, hours)
SELECT @carrier, p->>'Country', p->>'ID', p->>'Name', ARRAY(SELECT jsonb_array_elements_text(CASE jsonb_typeof(p->'Lines') WHEN 'array' THEN p->'Lines' ELSE '[]' END)), p->>'PostalCode', p->>'City',
       (p->'At'->>'Latitude')::float8, (p->'At'->>'Longitude')::float8, p->'Hours'
FROM jsonb_array_elements(@points::jsonb) p
ORDER BY p->>'Country', p->>'ID'
ON CONFLICT (carrier, country, number) DO UPDATE SET name = excluded.name, lines = excluded.lines, postal_code = excluded.postal_code, city = excluded.city,
       latitude = excluded.latitude, longitude = excluded.longitude, hours = excluded.hours, seen_at = excluded.seen_at
WHERE pickup_point.seen_at < excluded.seen_at - interval '1 minute'
   OR (pickup_point.name, pickup_point.lines, pickup_point.postal_code, pickup_point.city, pickup_point.latitude, pickup_point.longitude, pickup_point.hours)
      IS DISTINCT FROM (excluded.name, excluded.lines, excluded.postal_code, excluded.city, excluded.latitude, excluded.longitude, excluded.hours);

-- The points of a postal code that its carrier does not name any more, of those that were kept before it was asked.
-- name: PickupPointsGone :exec
DELETE FROM pickup_point
WHERE carrier = @carrier AND country = @country AND postal_code = @postal_code AND number <> ALL (@numbers::text[]) AND seen_at < @asked_at;

-- name: PickupPointGone :exec
DELETE FROM pickup_point WHERE carrier = @carrier AND country = @country AND number = @number;

-- name: PickupPointGet :one
SELECT * FROM pickup_point WHERE carrier = @carrier AND country = @country AND number = @number;

-- Those whose postal codes begin like one, the likest first.
-- name: PickupPointsOfArea :many
SELECT * FROM pickup_point
WHERE carrier = @carrier AND country = @country AND postal_code LIKE @area::text || '%' AND seen_at > clock_timestamp() - make_interval(secs => @age_seconds::float8)
ORDER BY postal_code = @postal_code::text DESC, number
LIMIT @page_size;

-- Those within so many degrees of a place: it is for its caller to say which are near.
-- name: PickupPointsOfPlace :many
SELECT * FROM pickup_point
WHERE carrier = @carrier AND country = @country AND latitude BETWEEN @south::float8 AND @north::float8 AND longitude BETWEEN @west::float8 AND @east::float8
  AND seen_at > clock_timestamp() - make_interval(secs => @age_seconds::float8)
ORDER BY number
LIMIT @page_size;

-- name: PickupPointsForget :exec
DELETE FROM pickup_point WHERE seen_at < clock_timestamp() - make_interval(secs => @age_seconds::float8);

-- name: CarrierNewsInsert :execrows
INSERT INTO carrier_news (carrier, id, number) VALUES (@carrier, @id, @number) ON CONFLICT DO NOTHING;

-- name: CarrierNewsGet :one
SELECT * FROM carrier_news WHERE carrier = @carrier AND id = @id AND number = @number;

-- name: CarrierNewsEnd :exec
UPDATE carrier_news SET status = @status, note = @note WHERE carrier = @carrier AND id = @id AND number = @number AND status = 'RECEIVED';

-- name: CarrierNewsOpen :many
SELECT carrier, id, number FROM carrier_news
WHERE status = 'RECEIVED' AND received_at < clock_timestamp() - make_interval(secs => @older_than_seconds::float8)
ORDER BY received_at, carrier, id, number
LIMIT @page_size;

-- name: CarrierNewsForget :exec
DELETE FROM carrier_news WHERE received_at < clock_timestamp() - make_interval(secs => @age_seconds::float8);

-- Has a parcel asked about at once that is on its way.
-- name: ShipmentToAsk :one
UPDATE shipment SET track_at = least(track_at, clock_timestamp())
WHERE carrier = @carrier AND carrier_number = @carrier_number AND track_at IS NOT NULL
RETURNING id;
