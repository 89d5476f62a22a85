-- Several at once: those of one checkout.
-- name: OrdersInsert :many
INSERT INTO orders (id, version, buyer_id, seller_id, listing_id, auction_id, reservation_id, total, fee, tax, shipping, subsidy, campaign_id, currency, card_id, pay_by)
SELECT unnest(@ids::uuid[]), 1, @buyer_id, unnest(@seller_ids::uuid[]), unnest(@listing_ids::uuid[]), sqlc.narg('auction_id'), sqlc.narg('reservation_id'),
       unnest(@totals::bigint[]), unnest(@fees::bigint[]), unnest(@taxes::bigint[]), unnest(@shippings::bigint[]), unnest(@subsidies::bigint[]),
       nullif(unnest(@campaign_ids::uuid[]), '00000000-0000-0000-0000-000000000000'), @currency, sqlc.narg('card_id'), clock_timestamp() + make_interval(secs => @pay_within_seconds::float8)
RETURNING *;

-- options is a JSON array of each line's. Where no title is given, it is the listing's of now.
-- name: OrderLinesInsert :exec
INSERT INTO order_line (order_id, number, listing_id, variant_id, title, options, quantity, unit_price)
SELECT l.order_id, l.number, l.listing_id, l.variant_id, coalesce(nullif(l.title, ''), g.title),
       ARRAY(SELECT jsonb_array_elements_text(l.options::jsonb)), l.quantity, l.unit_price
FROM (
    SELECT unnest(a.order_ids) AS order_id, unnest(a.numbers) AS number, unnest(a.listing_ids) AS listing_id, unnest(a.variant_ids) AS variant_id,
           unnest(a.titles) AS title, unnest(a.options) AS options, unnest(a.quantities) AS quantity, unnest(a.unit_prices) AS unit_price
    FROM (SELECT @order_ids::uuid[] AS order_ids, @numbers::integer[] AS numbers, @listing_ids::uuid[] AS listing_ids, @variant_ids::uuid[] AS variant_ids,
              @titles::text[] AS titles, @options::text[] AS options, @quantities::integer[] AS quantities, @unit_prices::bigint[] AS unit_prices OFFSET 0) a
) l
JOIN listing g ON g.id = l.listing_id;

-- Basis points and bases below zero stand for none, and so does the nil promotion.
-- name: OrderChargesInsert :exec
INSERT INTO order_charge (order_id, number, kind, bearer, counterparty, promotion_id, label, estimated, basis_points, base, amount)
SELECT c.order_id, c.number, c.kind, c.bearer, c.counterparty, nullif(c.promotion_id, '00000000-0000-0000-0000-000000000000'), c.label, c.estimated, CASE WHEN c.basis_points >= 0 THEN c.basis_points END, CASE WHEN c.base >= 0 THEN c.base END, c.amount
FROM (
    SELECT unnest(@order_ids::uuid[]) AS order_id, unnest(@numbers::integer[]) AS number, unnest(@kinds::text[]) AS kind,
           unnest(@bearers::text[]) AS bearer, unnest(@counterparties::text[]) AS counterparty, unnest(@promotion_ids::uuid[]) AS promotion_id, unnest(@labels::text[]) AS label, unnest(@estimated::boolean[]) AS estimated,
           unnest(@basis_points::integer[]) AS basis_points, unnest(@bases::bigint[]) AS base, unnest(@amounts::bigint[]) AS amount
) c;

-- name: OrderLinesOfOrders :many
SELECT sqlc.embed(l), o.currency FROM order_line l JOIN orders o ON o.id = l.order_id
WHERE l.order_id = ANY (@order_ids::uuid[])
ORDER BY l.order_id, l.number;

-- name: OrderChargesOfOrders :many
SELECT sqlc.embed(c), o.currency FROM order_charge c JOIN orders o ON o.id = c.order_id
WHERE c.order_id = ANY (@order_ids::uuid[])
ORDER BY c.order_id, c.number;

-- What its buyer has confirmed of a quote of it: order_amounts_guard holds that this is once, and what the quote says.
-- name: OrderCheckOut :one
UPDATE orders SET quote_id = @quote_id, total = @total, tax = @tax, shipping = @shipping WHERE id = @id RETURNING *;

-- name: OrderChargesCount :one
SELECT count(*) FROM order_charge WHERE order_id = @order_id;

-- Those of some orders that have to be checked out before they are paid: what was won of a seller who charges for sending things, or tax.
-- name: OrdersToCheckOut :many
SELECT o.id FROM orders o
WHERE o.id = ANY (@order_ids::uuid[]) AND o.auction_id IS NOT NULL AND o.quote_id IS NULL
  AND (EXISTS (SELECT FROM shipping_profile p WHERE p.seller_id = o.seller_id AND p.offers <> '[]')
    OR EXISTS (SELECT FROM tax_registration t WHERE t.user_id = o.seller_id AND t.active))
ORDER BY o.id;

-- name: OrderReturn :exec
SELECT order_return(@id);

-- name: OrderOfPartyLock :one
SELECT * FROM orders WHERE id = @id AND @party::uuid IN (buyer_id, seller_id) FOR UPDATE;

-- name: OrderLock :one
SELECT * FROM orders WHERE id = @id FOR UPDATE;

-- name: OrderOfParty :one
SELECT * FROM orders WHERE id = @id AND @party::uuid IN (buyer_id, seller_id);

-- name: OrdersOfParty :many
SELECT * FROM orders WHERE id = ANY ((SELECT @ids::uuid[])::uuid[]) AND @party::uuid IN (buyer_id, seller_id) ORDER BY id;

-- name: OrderByID :one
SELECT * FROM orders WHERE id = @id;

-- name: OrderUpdate :one
UPDATE orders
SET payment = @payment, fulfilment = @fulfilment, tracking = @tracking, refunded = @refunded, charged_back = @charged_back, disputed = @disputed,
    cancel_reason = @cancel_reason, claim = sqlc.narg('claim'),
    version = version + 1,
    pay_by = CASE WHEN @payment = 'PENDING' AND payment <> 'PENDING' THEN clock_timestamp() + make_interval(secs => @pay_within_seconds::float8) ELSE pay_by END,
    authorised_at = CASE WHEN @payment = 'AUTHORISED' AND payment <> 'AUTHORISED' THEN clock_timestamp() ELSE authorised_at END,
    paid_at      = CASE WHEN @payment = 'PAID' THEN coalesce(paid_at, clock_timestamp()) ELSE paid_at END,
    sent_at      = CASE WHEN @fulfilment = 'SENT' THEN coalesce(sent_at, clock_timestamp()) ELSE sent_at END,
    en_route_at  = CASE WHEN @en_route::boolean THEN coalesce(en_route_at, clock_timestamp()) ELSE en_route_at END,
    delivered_at = CASE WHEN @delivered::boolean THEN coalesce(delivered_at, clock_timestamp()) ELSE delivered_at END,
    complete_by  = CASE WHEN @complete_seconds::float8 > 0 THEN clock_timestamp() + make_interval(secs => @complete_seconds::float8) ELSE complete_by END,
    received_at  = CASE WHEN @fulfilment = 'RECEIVED' THEN coalesce(received_at, clock_timestamp()) ELSE received_at END,
    mature_by    = CASE WHEN @releases::boolean THEN coalesce(mature_by, clock_timestamp() + make_interval(secs => @return_seconds::float8)) ELSE mature_by END,
    matured_at   = CASE WHEN @releases::boolean THEN NULL WHEN @matures::boolean THEN clock_timestamp() ELSE matured_at END,
    cancelled_at = CASE WHEN @fulfilment = 'CANCELLED' THEN coalesce(cancelled_at, clock_timestamp()) ELSE cancelled_at END
WHERE id = @id
RETURNING *;

-- name: OrdersUnpaidDue :many
SELECT id, pay_by::timestamptz AS due_at FROM orders
WHERE payment = 'PENDING' AND fulfilment = 'PENDING' AND pay_by <= clock_timestamp() AND (pay_by, id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY pay_by, id
LIMIT @page_size;

-- Read under the order's lock.
-- name: OrderIsDue :one
SELECT coalesce(pay_by <= clock_timestamp(), false)::boolean FROM orders WHERE id = @id;

-- name: OrdersToComplete :many
SELECT id, complete_by::timestamptz AS due_at FROM orders
WHERE payment = 'PAID' AND fulfilment IN ('SENT', 'EN_ROUTE', 'RECEIVED') AND NOT disputed AND claim IS NULL AND complete_by <= clock_timestamp()
  AND (complete_by, id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY complete_by, id
LIMIT @page_size;

-- Read under the order's lock.
-- name: OrderIsToComplete :one
SELECT coalesce(claim IS NULL AND complete_by <= clock_timestamp(), false)::boolean FROM orders WHERE id = @id;

-- name: OrdersToMature :many
SELECT id, mature_by::timestamptz AS due_at FROM orders
WHERE payment = 'SETTLED' AND matured_at IS NULL AND claim IS NULL AND mature_by <= clock_timestamp() AND (mature_by, id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY mature_by, id
LIMIT @page_size;

-- Read under the order's lock. While the card's bank decides, nothing matures; what it has decided is the platform's to bear.
-- name: OrderIsToMature :one
SELECT (o.payment = 'SETTLED' AND o.matured_at IS NULL AND o.claim IS NULL AND coalesce(o.mature_by <= clock_timestamp(), false) AND NOT EXISTS (
    SELECT FROM chargeback c JOIN order_payment p ON p.id = c.order_payment_id
    WHERE p.order_id = o.id AND c.withdrawn_txn_id IS NOT NULL AND c.decided_at IS NULL))::boolean
FROM orders o WHERE o.id = @id;

-- name: OrderPageOfBuyer :many
SELECT * FROM orders
WHERE buyer_id = @buyer_id AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: OrderPageOfSeller :many
SELECT * FROM orders
WHERE seller_id = @seller_id AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- name: OrdersOfPartyByAuction :many
SELECT * FROM orders
WHERE auction_id = ANY (@auction_ids::uuid[]) AND @party::uuid IN (buyer_id, seller_id)
ORDER BY created_at, id;

-- name: OrderMoves :many
SELECT * FROM order_move ORDER BY machine, from_state, to_state;

-- name: OrderRefundInsert :exec
INSERT INTO order_refund (id, order_id, user_id, wallet_amount, card_amount, currency, subsidy_amount, fee_returned, tax_returned, shipping_returned, seller_returned, reason,
                          idempotency_key, request_hash, lines)
VALUES (@id, @order_id, @user_id, @wallet_amount, @card_amount, @currency, @subsidy_amount, @fee_returned, @tax_returned, @shipping_returned, @seller_returned, @reason,
        sqlc.narg('idempotency_key'), sqlc.narg('request_hash'), sqlc.narg('lines'));

-- How many of each line of an order no refund is of. Read under the order's lock.
-- name: OrderLinesLeft :many
SELECT l.number, (l.quantity - coalesce((
    SELECT sum(x.quantity) FROM order_refund r CROSS JOIN LATERAL jsonb_to_recordset(r.lines) AS x (number integer, quantity integer)
    WHERE r.order_id = l.order_id AND x.number = l.number), 0))::integer AS quantity
FROM order_line l
WHERE l.order_id = @order_id
ORDER BY l.number;

-- name: OrderRefundByKey :one
SELECT * FROM order_refund WHERE user_id = @user_id AND idempotency_key = @idempotency_key::text;

-- The newest first, a few of each order.
-- name: OrderRefundsOfOrders :many
SELECT sqlc.embed(r), o.buyer_id FROM order_refund r JOIN orders o ON o.id = r.order_id
WHERE r.id IN (
    SELECT newest.id
    FROM (
    SELECT unnest(@order_ids::uuid[]) AS id
) asked,
         LATERAL (SELECT f.id FROM order_refund f WHERE f.order_id = asked.id ORDER BY f.created_at DESC, f.id DESC LIMIT @most::integer) newest)
ORDER BY r.order_id, r.created_at DESC, r.id DESC;

-- name: OrderClaimInsert :exec
INSERT INTO order_claim (id, order_id, reason, body, asked_return, due_at)
VALUES (@id, @order_id, @reason, @body, @asked_return, clock_timestamp() + make_interval(secs => @due_seconds::float8));

-- name: OrderClaimMove :exec
UPDATE order_claim
SET status = @status::text, answer = CASE WHEN @answer::text <> '' THEN @answer ELSE answer END,
    answered_at = CASE WHEN @answer::text <> '' THEN clock_timestamp() ELSE answered_at END,
    due_at = clock_timestamp() + make_interval(secs => @due_seconds::float8),
    sent_back_at = CASE WHEN @status IN ('RETURN_SENT', 'RETURN_ARRIVED') THEN coalesce(sent_back_at, clock_timestamp()) ELSE sent_back_at END,
    ended_at = CASE WHEN @status IN ('RESOLVED', 'REFUSED', 'WITHDRAWN') THEN clock_timestamp() END
WHERE order_id = @order_id AND ended_at IS NULL;

-- What of an order may come back: what was sold, is no code, and has not come back by a return of before. Read under the order's lock.
-- name: OrderReturnable :many
SELECT l.number, (l.quantity - coalesce((SELECT sum(r.received) FROM order_return_line r WHERE r.order_id = l.order_id AND r.number = l.number), 0))::integer AS quantity
FROM order_line l JOIN listing g ON g.id = l.listing_id AND g.kind <> 'DIGITAL_CODE'
WHERE l.order_id = @order_id
ORDER BY l.number;

-- name: OrderReturnLinesInsert :exec
INSERT INTO order_return_line (claim_id, order_id, number, quantity)
SELECT @claim_id, @order_id, unnest(@numbers::integer[]), unnest(@quantities::integer[]);

-- name: OrderReturnLines :many
SELECT number, quantity, received FROM order_return_line WHERE claim_id = @claim_id ORDER BY number;

-- name: OrderReturnLinesOfClaims :many
SELECT claim_id, number, quantity, received FROM order_return_line WHERE claim_id = ANY (@claim_ids::uuid[]) ORDER BY claim_id, number;

-- name: OrderReturnLineReceived :exec
UPDATE order_return_line SET received = received + @quantity WHERE claim_id = @claim_id AND number = @number;

-- name: OrderReturnBearer :exec
UPDATE order_claim SET bearer = @bearer WHERE id = @id;

-- What a carrier says of goods that go back.
-- name: OrderReturnCarried :one
UPDATE order_claim SET sent_back_at = coalesce(sent_back_at, clock_timestamp()), carried_at = coalesce(carried_at, clock_timestamp()),
       arrived_at = CASE WHEN @arrived::boolean THEN coalesce(arrived_at, clock_timestamp()) ELSE arrived_at END
WHERE id = @id AND order_id = @order_id
RETURNING *;

-- What the label costs that goods go back with.
-- name: OrderReturnLabel :one
SELECT id, cost::bigint AS cost, currency::text AS currency FROM shipment WHERE claim_id = @claim_id AND status <> 'FAILED' AND cost IS NOT NULL;

-- name: OrderReturnCharged :exec
UPDATE order_claim SET label_cost = @label_cost, label_charge = @label_charge, label_currency = @label_currency WHERE id = @id;

-- Returns that ended without what their buyer would have paid their label out of.
-- name: OrderWaysDue :many
SELECT c.id, c.ended_at::timestamptz AS ended_at FROM order_claim c JOIN orders o ON o.id = c.order_id
WHERE c.bearer = 'BUYER' AND c.carried_at IS NOT NULL AND c.label_cost IS NULL AND c.ended_at IS NOT NULL AND (c.ended_at, c.id) > (@after_at::timestamptz, @after_id::uuid)
  AND EXISTS (SELECT FROM shipment s WHERE s.claim_id = c.id AND s.status <> 'FAILED' AND s.cost IS NOT NULL AND s.currency = o.currency)
ORDER BY c.ended_at, c.id
LIMIT @page_size;

-- name: OrderClaimGet :one
SELECT * FROM order_claim WHERE id = @id;

-- name: OrderReceiptInsert :exec
INSERT INTO order_return_receipt (user_id, idempotency_key, claim_id, request_hash) VALUES (@user_id, @idempotency_key, @claim_id, @request_hash);

-- Receipts of before have their refund alone.
-- name: OrderReceiptByKey :one
SELECT request_hash FROM order_return_receipt WHERE order_return_receipt.user_id = @user_id AND order_return_receipt.idempotency_key = @idempotency_key
UNION ALL
SELECT r.request_hash FROM order_refund r WHERE r.user_id = @user_id AND r.idempotency_key = @refund_key::text
LIMIT 1;

-- Those of some orders of which something can be sent back.
-- name: OrdersReturnable :many
SELECT DISTINCT l.order_id
FROM order_line l JOIN listing g ON g.id = l.listing_id AND g.kind <> 'DIGITAL_CODE'
WHERE l.order_id = ANY (@order_ids::uuid[])
  AND l.quantity > coalesce((SELECT sum(r.received) FROM order_return_line r WHERE r.order_id = l.order_id AND r.number = l.number), 0)
ORDER BY l.order_id;

-- name: OrderReturnTracking :exec
UPDATE order_claim SET tracking = @tracking WHERE id = @id;

-- Read under the order's lock.
-- name: OrderClaimOpen :one
SELECT sqlc.embed(c), (c.due_at <= clock_timestamp())::boolean AS due FROM order_claim c WHERE c.order_id = @order_id AND c.ended_at IS NULL;

-- name: OrderClaimsDue :many
SELECT order_id, due_at::timestamptz AS due_at FROM order_claim
WHERE ended_at IS NULL AND due_at <= clock_timestamp() AND (due_at, order_id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY due_at, order_id
LIMIT @page_size;

-- Those that staff decide, the most urgent first.
-- name: OrderClaimsEscalated :many
SELECT sqlc.embed(c), sqlc.embed(o) FROM order_claim c JOIN orders o ON o.id = c.order_id
WHERE c.status = 'ESCALATED' AND c.ended_at IS NULL AND (c.due_at, c.order_id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY c.due_at, c.order_id
LIMIT @page_size;

-- The newest first, a few of each order.
-- name: OrderClaimsOfOrders :many
SELECT c.* FROM (
    SELECT unnest(@order_ids::uuid[]) AS id
) asked,
     LATERAL (SELECT f.* FROM order_claim f WHERE f.order_id = asked.id ORDER BY f.opened_at DESC, f.id DESC LIMIT @most::integer) c
ORDER BY c.order_id, c.opened_at DESC, c.id DESC;

-- name: OrderRestock :exec
SELECT order_restock(@id, @order_id, @number, @quantity, @actor_id);

-- name: OrderLinesOfOrder :many
SELECT * FROM order_line WHERE order_id = @order_id ORDER BY number;

-- name: OrderStepsOfOrders :many
SELECT o.id AS order_id, e.version, e.kind, e.at
FROM orders o JOIN event e ON e.topic = 'order:' || o.id::text
WHERE o.id = ANY (@order_ids::uuid[])
ORDER BY o.id, e.version;

-- Of what a conversation's buyer ordered of its listing, the newest of each conversation.
-- name: OrderStepsOfConversations :many
SELECT c.id AS conversation_id, s.order_id, s.version, s.kind, s.at
FROM conversation c,
     LATERAL (
    SELECT o.id AS order_id, e.version, e.kind, e.at
    FROM orders o JOIN event e ON e.topic = 'order:' || o.id::text
    WHERE o.buyer_id = c.buyer_id AND o.seller_id = c.seller_id
      AND EXISTS (SELECT FROM order_line l WHERE l.order_id = o.id AND l.listing_id = c.listing_id)
    ORDER BY e.at DESC, e.version DESC
    LIMIT @most::integer
) s
WHERE c.id = ANY (@conversation_ids::uuid[])
ORDER BY c.id, s.at, s.version;
