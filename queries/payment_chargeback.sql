-- name: ChargebackLock :one
SELECT * FROM chargeback WHERE id = @id FOR UPDATE;

-- name: ChargebackInsert :execrows
INSERT INTO chargeback (id, provider, dispute_id, charge_id, top_up_id, order_payment_id, user_id, amount, currency, reason, status)
VALUES (@id, @provider, @dispute_id, @charge_id, @top_up_id, @order_payment_id, @user_id, @amount, @currency, @reason, @status)
ON CONFLICT (provider, dispute_id) DO NOTHING;

-- name: ChargebackOfDisputeLock :one
SELECT * FROM chargeback WHERE provider = @provider AND dispute_id = @dispute_id FOR UPDATE;

-- name: ChargebackUpdate :one
UPDATE chargeback
SET status = @status, amount = @amount, respond_by = @respond_by, withdrawn_txn_id = @withdrawn_txn_id,
    reinstated_txn_id = @reinstated_txn_id, covered = @covered, lost_covered = @lost_covered, changed_at = clock_timestamp(),
    decided_at = CASE WHEN @status IN ('WON', 'LOST', 'CLOSED') THEN clock_timestamp() END
WHERE id = @id
RETURNING *;

-- name: ChargebackGet :one
SELECT sqlc.embed(c), p.order_id
FROM chargeback c LEFT JOIN order_payment p ON p.id = c.order_payment_id
WHERE c.id = @id;

-- name: ChargebacksOfUser :many
SELECT sqlc.embed(c), p.order_id
FROM chargeback c LEFT JOIN order_payment p ON p.id = c.order_payment_id
WHERE c.id = ANY (@ids::uuid[]) AND c.user_id = @user_id
ORDER BY c.id;

-- name: ChargebackPage :many
SELECT sqlc.embed(c), p.order_id
FROM chargeback c LEFT JOIN order_payment p ON p.id = c.order_payment_id
WHERE (c.opened_at, c.id) < (@before_at::timestamptz, @before_id::uuid)
  AND (sqlc.narg(status)::text IS NULL OR c.status = sqlc.narg(status))
ORDER BY c.opened_at DESC, c.id DESC
LIMIT @page_size;

-- name: TopUpsByID :many
SELECT * FROM top_up WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- What is left in escrow of the card's part, unless it was released: without what refunds have taken out, whatever became of
-- them, and what lost chargebacks did. What was captured while it was let go never was in escrow.
-- name: OrderPaymentCardLeft :one
SELECT p.order_id, (CASE p.status WHEN 'CAPTURED' THEN p.card_amount
    - coalesce((SELECT sum(r.amount) FROM refund r WHERE r.source_kind = 'ORDER_PAYMENT' AND r.source_id = p.id), 0)
    - coalesce((SELECT sum(c.covered) FROM chargeback c WHERE c.order_payment_id = p.id), 0) ELSE 0 END)::bigint AS card_left,
    (CASE o.payment WHEN 'PAID' THEN o.total - o.refunded - o.charged_back ELSE 0 END)::bigint AS order_left
FROM order_payment p JOIN orders o ON o.id = p.order_id WHERE p.id = @id;

-- A card whose charge was ever lost is given nothing back any more, also where the bank took that back: what is left is the wallet's.
-- name: ChargebacksOfOrderPayment :one
SELECT p.order_id, p.status,
       EXISTS (SELECT FROM chargeback c WHERE c.order_payment_id = p.id AND c.withdrawn_txn_id IS NOT NULL AND c.decided_at IS NULL) AS open,
       coalesce((SELECT max(c.decided_at) FROM chargeback c WHERE c.order_payment_id = p.id AND c.covered = 0), '0001-01-01 00:00Z')::timestamptz AS borne_at,
       EXISTS (SELECT FROM chargeback c WHERE c.order_payment_id = p.id AND (c.status = 'LOST' OR c.lost_covered IS NOT NULL)) AS lost
FROM order_payment p WHERE p.id = @id;
