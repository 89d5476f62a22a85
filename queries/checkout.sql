-- name: CheckoutReservationLock :one
SELECT status FROM reservation WHERE id = @id AND user_id = @user_id FOR UPDATE;

-- What a reservation holds, as it is sold now. A variant that lies at several places is one line.
-- name: CheckoutLines :many
SELECT v.id AS variant_id, v.listing_id, v.seller_id, v.option_values, l.kind, v.price, v.currency, sum(rl.quantity)::bigint AS quantity
FROM reservation_line rl JOIN variant v ON v.id = rl.variant_id JOIN listing l ON l.id = v.listing_id
WHERE rl.reservation_id = @reservation_id
GROUP BY v.id, l.id
ORDER BY v.listing_id, v.id;

-- name: CheckoutPaymentInsert :exec
INSERT INTO reservation_payment (reservation_id, user_id, idempotency_key, request_hash, total, currency)
VALUES (@reservation_id, @user_id, @idempotency_key, @request_hash, @total, @currency);

-- name: CheckoutPaymentByKey :one
SELECT * FROM reservation_payment WHERE user_id = @user_id AND idempotency_key = @idempotency_key;

-- name: CheckoutOrders :many
SELECT id FROM orders WHERE reservation_id = @reservation_id::uuid ORDER BY id;

-- What a reservation holds, in the order of its cart, with what that last showed; what is not in the cart any more comes last. locations has the nil id for what
-- exists once, parts how much is at each; profiled says that its seller has said how they send.
-- name: QuoteLinesToMake :many
-- OFFSET 0 has each line look for its variant. Left to itself PostgreSQL walks through the variants beside a few lines, and through all of them once they are many.
SELECT v.id AS variant_id, v.listing_id, v.seller_id, v.option_values, v.price, v.currency, v.grams, v.kind, v.title, q.quantity, q.locations, q.parts,
       EXISTS (SELECT FROM shipping_profile p WHERE p.seller_id = v.seller_id AND p.offers <> '[]')::boolean AS profiled,
       (CASE WHEN cl.currency_seen = v.currency THEN cl.price_seen ELSE -1 END)::bigint AS price_seen
FROM (
    SELECT rl.variant_id, min(rl.number) AS number, sum(rl.quantity)::bigint AS quantity,
           array_agg(coalesce(rl.location_id, '00000000-0000-0000-0000-000000000000') ORDER BY rl.number)::uuid[] AS locations,
           array_agg(rl.quantity ORDER BY rl.number)::integer[] AS parts
    FROM reservation_line rl WHERE rl.reservation_id = @reservation_id GROUP BY rl.variant_id
) q
CROSS JOIN LATERAL (SELECT v.*, l.kind, l.title FROM variant v JOIN listing l ON l.id = v.listing_id WHERE v.id = q.variant_id OFFSET 0) v
LEFT JOIN LATERAL (
    SELECT cl.added_at, cl.price_seen, cl.currency_seen
    FROM reservation r JOIN cart c ON c.user_id = r.user_id JOIN cart_line cl ON cl.cart_id = c.id WHERE r.id = @reservation_id AND cl.variant_id = q.variant_id
) cl ON true
ORDER BY cl.added_at NULLS LAST, q.number;

-- Of the last hour, not confirmed. The subselects keep from PostgreSQL whose quotes are asked for, so that its plan is every user's (docs/decisions/0015), and bound the index.
-- name: QuotesOpenCount :one
SELECT count(*) FROM quote q
WHERE q.user_id = (SELECT @user_id::uuid) AND q.created_at > (SELECT clock_timestamp() - interval '1 hour') AND NOT EXISTS (SELECT FROM checkout c WHERE c.quote_id = q.id);

-- name: QuoteInsert :exec
INSERT INTO quote (id, user_id, reservation_id, offer_id, idempotency_key, request_hash, total, currency, pay_currency, ship_to)
VALUES (@id, @user_id, @reservation_id, sqlc.narg('offer_id'), @idempotency_key, @request_hash, @total, @currency, sqlc.narg('pay_currency'), sqlc.narg('ship_to'));

-- An empty text stands for no parcels.
-- name: QuoteGroupsInsert :exec
INSERT INTO quote_group (quote_id, number, order_id, seller_id, listing_id, digital, total, fee, in_person, parcels)
SELECT @quote_id, unnest(@numbers::integer[]), unnest(@order_ids::uuid[]), unnest(@seller_ids::uuid[]), unnest(@listing_ids::uuid[]),
       unnest(@digital::boolean[]), unnest(@totals::bigint[]), unnest(@fees::bigint[]), unnest(@in_person::boolean[]), nullif(unnest(@parcels::text[]), '')::jsonb;

-- options is a JSON array of each line's; a price seen that is below zero stands for none.
-- name: QuoteLinesInsert :exec
INSERT INTO quote_line (quote_id, number, group_number, listing_id, variant_id, title, options, quantity, unit_price, price_seen)
SELECT @quote_id, l.number, l.group_number, l.listing_id, l.variant_id, l.title, ARRAY(SELECT jsonb_array_elements_text(l.options::jsonb)),
       l.quantity, l.unit_price, CASE WHEN l.price_seen >= 0 THEN l.price_seen END
FROM (
    SELECT unnest(@numbers::integer[]) AS number, unnest(@group_numbers::integer[]) AS group_number,
           unnest(@listing_ids::uuid[]) AS listing_id, unnest(@variant_ids::uuid[]) AS variant_id, unnest(@titles::text[]) AS title,
           unnest(@options::text[]) AS options, unnest(@quantities::integer[]) AS quantity,
           unnest(@unit_prices::bigint[]) AS unit_price, unnest(@prices_seen::bigint[]) AS price_seen
) l;

-- Basis points and bases below zero stand for none, and so does the nil promotion.
-- name: QuoteChargesInsert :exec
INSERT INTO quote_charge (quote_id, group_number, number, kind, bearer, counterparty, promotion_id, label, estimated, basis_points, base, amount)
SELECT @quote_id, c.group_number, c.number, c.kind, c.bearer, c.counterparty, nullif(c.promotion_id, '00000000-0000-0000-0000-000000000000'), c.label, c.estimated, CASE WHEN c.basis_points >= 0 THEN c.basis_points END, CASE WHEN c.base >= 0 THEN c.base END, c.amount
FROM (
    SELECT unnest(@group_numbers::integer[]) AS group_number, unnest(@numbers::integer[]) AS number, unnest(@kinds::text[]) AS kind,
           unnest(@bearers::text[]) AS bearer, unnest(@counterparties::text[]) AS counterparty, unnest(@promotion_ids::uuid[]) AS promotion_id, unnest(@labels::text[]) AS label, unnest(@estimated::boolean[]) AS estimated,
           unnest(@basis_points::integer[]) AS basis_points, unnest(@bases::bigint[]) AS base, unnest(@amounts::bigint[]) AS amount
) c;

-- name: QuoteExchangesInsert :exec
INSERT INTO quote_exchange (quote_id, group_number, from_currency, from_amount, from_digits, to_currency, to_amount, to_digits, rate, margin_bp, source, as_of)
SELECT @quote_id, x.group_number, @from_currency, x.from_amount, @from_digits, @to_currency, x.to_amount, @to_digits, @rate, @margin_bp, @source, @as_of
FROM (
    SELECT unnest(@group_numbers::integer[]) AS group_number, unnest(@from_amounts::bigint[]) AS from_amount, unnest(@to_amounts::bigint[]) AS to_amount
) x;

-- name: QuoteExchanges :many
SELECT sqlc.embed(x), (c.exchanged IS NOT NULL)::boolean AS paid FROM quote_exchange x LEFT JOIN checkout c ON c.quote_id = x.quote_id
WHERE x.quote_id = @quote_id
ORDER BY x.group_number;

-- What orders were told to cost in another currency, and whether they were paid so.
-- name: ExchangesOfOrders :many
SELECT g.order_id, sqlc.embed(x), (c.exchanged IS NOT NULL)::boolean AS paid
FROM quote_exchange x JOIN quote_group g ON g.quote_id = x.quote_id AND g.number = x.group_number JOIN checkout c ON c.quote_id = x.quote_id
WHERE g.order_id = ANY (@order_ids::uuid[])
ORDER BY g.order_id;

-- How a quote stands is told by its reservation, or its order, and by its offer, if it is of one; and whether it was confirmed, by the database's clock.
-- name: QuoteOfUser :one
SELECT sqlc.embed(q), coalesce(q.expires_at, r.expires_at)::timestamptz AS ends_at, (c.quote_id IS NOT NULL)::boolean AS confirmed,
       coalesce(CASE WHEN q.order_id IS NULL THEN r.status = 'OPEN' AND r.expires_at > clock_timestamp() AND coalesce(p.status, 'ACCEPTED') = 'ACCEPTED' ELSE quote_order_open(q, o) END, false)::boolean AS open
FROM quote q LEFT JOIN reservation r ON r.id = q.reservation_id LEFT JOIN orders o ON o.id = q.order_id LEFT JOIN checkout c ON c.quote_id = q.id LEFT JOIN price_offer p ON p.id = q.offer_id
WHERE q.id = @id AND q.user_id = @user_id;

-- Read under the order's lock.
-- name: QuoteOrderIsOpen :one
SELECT quote_order_open(q, o)::boolean FROM quote q JOIN orders o ON o.id = q.order_id WHERE q.id = @id;

-- What of a lot's one line is not in its order.
-- name: QuoteOrderLine :one
SELECT v.id AS variant_id, v.grams, EXISTS (SELECT FROM shipping_profile p WHERE p.seller_id = o.seller_id AND p.offers <> '[]')::boolean AS profiled
FROM orders o JOIN order_line l ON l.order_id = o.id JOIN variant v ON v.id = coalesce(l.variant_id, l.listing_id)
WHERE o.id = @order_id
ORDER BY l.number
LIMIT 1;

-- No row where the order can't be quoted any more. It binds no longer than the order may be paid.
-- name: QuoteOfOrderInsert :execrows
INSERT INTO quote (id, user_id, order_id, expires_at, paid, idempotency_key, request_hash, total, currency, pay_currency, ship_to)
SELECT @id, o.buyer_id, o.id,
       CASE WHEN @paid::boolean THEN clock_timestamp() + make_interval(secs => @seconds::float8) ELSE least(o.pay_by, clock_timestamp() + make_interval(secs => @seconds::float8)) END,
       @paid, @idempotency_key, @request_hash, @total, o.currency, sqlc.narg('pay_currency'), sqlc.narg('ship_to')
FROM orders o
WHERE o.id = @order_id AND o.buyer_id = @user_id AND o.quote_id IS NULL AND o.auction_id IS NOT NULL AND o.fulfilment = 'PENDING'
  AND CASE WHEN @paid THEN o.payment IN ('AUTHORISED', 'PAID') AND o.refunded + o.charged_back = 0 ELSE o.payment = 'PENDING' AND o.pay_by > clock_timestamp() END;

-- name: QuoteOfReservation :one
SELECT EXISTS (SELECT FROM quote WHERE reservation_id = @reservation_id)::boolean;

-- name: QuoteByKey :one
SELECT id, request_hash FROM quote WHERE user_id = @user_id AND idempotency_key = @idempotency_key;

-- name: QuoteGroups :many
SELECT * FROM quote_group WHERE quote_id = @quote_id ORDER BY number;

-- name: QuoteLines :many
SELECT * FROM quote_line WHERE quote_id = @quote_id ORDER BY number;

-- name: QuoteCharges :many
SELECT * FROM quote_charge WHERE quote_id = @quote_id ORDER BY group_number, number;

-- name: CheckoutInsert :exec
INSERT INTO checkout (quote_id, user_id, idempotency_key, request_hash, wallet_amount, card_amount, card_id, exchanged)
VALUES (@quote_id, @user_id, @idempotency_key, @request_hash, @wallet_amount, @card_amount, sqlc.narg('card_id'), sqlc.narg('exchanged'));

-- name: CheckoutByKey :one
SELECT quote_id, request_hash FROM checkout WHERE user_id = @user_id AND idempotency_key = @idempotency_key;

-- What has to be known of a confirmation before it is judged: where it is sent, without the names of who lives there; whether the card is their own; whether the key or the quote was confirmed before.
-- name: CheckoutToJudge :one
SELECT convert_to(lower(concat_ws('|', q.ship_to ->> 'line1', q.ship_to ->> 'line2', q.ship_to ->> 'city', q.ship_to ->> 'postalCode', q.ship_to ->> 'country')), 'UTF8')::bytea AS place,
       (q.ship_to IS NOT NULL)::boolean AS sent,
       EXISTS (SELECT FROM card d WHERE d.id = sqlc.narg('card_id')::uuid AND d.user_id = q.user_id)::boolean AS card_known,
       EXISTS (SELECT FROM checkout c WHERE c.quote_id = q.id OR c.user_id = q.user_id AND c.idempotency_key = @idempotency_key)::boolean AS known
FROM quote q WHERE q.id = @id AND q.user_id = @user_id;

-- The same of the payment of an order. What is not to be paid by this user, or not any more, is refused in its place.
-- name: CheckoutOrderToJudge :one
SELECT convert_to(lower(concat_ws('|', q.ship_to ->> 'line1', q.ship_to ->> 'line2', q.ship_to ->> 'city', q.ship_to ->> 'postalCode', q.ship_to ->> 'country')), 'UTF8')::bytea AS place,
       (q.ship_to IS NOT NULL)::boolean AS sent,
       EXISTS (SELECT FROM card d WHERE d.id = sqlc.narg('card_id')::uuid AND d.user_id = o.buyer_id)::boolean AS card_known,
       (o.payment <> 'PENDING' OR EXISTS (SELECT FROM order_payment p WHERE p.user_id = o.buyer_id AND p.idempotency_key = @idempotency_key::text))::boolean AS known
FROM orders o
LEFT JOIN LATERAL (
    SELECT u.ship_to FROM quote_group g JOIN checkout c ON c.quote_id = g.quote_id JOIN quote u ON u.id = g.quote_id WHERE g.order_id = o.id LIMIT 1
) q ON true
WHERE o.id = @id AND o.buyer_id = @user_id;

-- The same of the payment of a reservation, which is sent nowhere.
-- name: CheckoutReservationToJudge :one
SELECT (r.status <> 'OPEN' OR EXISTS (SELECT FROM reservation_payment p WHERE p.user_id = r.user_id AND p.idempotency_key = @idempotency_key::text))::boolean AS known
FROM reservation r WHERE r.id = @id AND r.user_id = @user_id;

-- name: CheckoutOfQuote :one
SELECT EXISTS (SELECT FROM checkout WHERE quote_id = @quote_id)::boolean;

-- name: CheckoutOrdersOfQuote :many
SELECT g.order_id FROM quote_group g JOIN checkout c ON c.quote_id = g.quote_id WHERE g.quote_id = @quote_id ORDER BY g.number;

-- Where orders are sent.
-- name: ShipToOfOrders :many
SELECT g.order_id, q.ship_to FROM quote_group g JOIN checkout c ON c.quote_id = g.quote_id JOIN quote q ON q.id = g.quote_id
WHERE g.order_id = ANY (@order_ids::uuid[]) AND NOT g.digital AND NOT g.in_person AND q.ship_to IS NOT NULL
ORDER BY g.order_id;
