-- What is handed over of a seller's order; the order is locked.
-- name: HandOverOrderLock :one
SELECT o.payment, o.fulfilment, o.disputed,
       EXISTS (SELECT FROM order_line l JOIN listing g ON g.id = l.listing_id WHERE l.order_id = o.id AND g.kind <> 'DIGITAL_CODE')::boolean AS goods
FROM orders o WHERE o.id = @id AND o.seller_id = @seller_id FOR UPDATE OF o;

-- name: HandOverBegin :exec
INSERT INTO hand_over (order_id) VALUES (@order_id) ON CONFLICT (order_id) DO NOTHING;

-- name: HandOverGet :one
SELECT * FROM hand_over WHERE order_id = @order_id;

-- name: HandOverWrong :exec
UPDATE hand_over SET wrong = wrong + 1 WHERE order_id = @order_id;

-- name: HandOverRight :exec
UPDATE hand_over SET handed_at = coalesce(handed_at, clock_timestamp()) WHERE order_id = @order_id;
