-- The orders that wait longest, each once.
-- name: InvoiceDueOrders :many
SELECT order_id, min(id)::bigint AS first FROM invoice_due GROUP BY order_id HAVING min(id) > @after_id ORDER BY min(id) LIMIT @page_size;

-- Under the order's lock.
-- name: InvoiceDueDone :execrows
DELETE FROM invoice_due WHERE order_id = @order_id;

-- What an invoice says of an order, its parties as they are now. The seller's address is their default one; the buyer's where it was sent to.
-- name: InvoiceSource :one
SELECT sqlc.embed(o), s.name AS seller_name, b.name AS buyer_name,
       coalesce((SELECT number FROM tax_registration t WHERE t.user_id = o.seller_id AND t.active), '')::text AS seller_tax_number,
       coalesce((SELECT number FROM tax_registration t WHERE t.user_id = o.buyer_id AND t.active), '')::text AS buyer_tax_number,
       (SELECT to_jsonb(a) FROM address a WHERE a.user_id = o.seller_id ORDER BY a.is_default DESC, a.created_at DESC, a.id DESC LIMIT 1)::jsonb AS seller_address,
       (SELECT q.ship_to FROM quote_group g JOIN checkout c ON c.quote_id = g.quote_id JOIN quote q ON q.id = g.quote_id WHERE g.order_id = o.id)::jsonb AS ship_to
FROM orders o JOIN app_user s ON s.id = o.seller_id JOIN app_user b ON b.id = o.buyer_id
WHERE o.id = @order_id
FOR UPDATE OF o;

-- name: InvoiceInsert :one
INSERT INTO invoice (id, kind, order_id, seller_id, buyer_id, invoice_id, refund_id, year, number, issued_at, currency, total, tax, content)
VALUES (@id, @kind, @order_id, @seller_id, @buyer_id, sqlc.narg('invoice_id'), sqlc.narg('refund_id'), 0, 0, clock_timestamp(), @currency, @total, @tax, @content)
RETURNING *;

-- The oldest first: the invoice, then its credit notes.
-- name: InvoicesOfOrders :many
SELECT * FROM invoice WHERE order_id = ANY (@order_ids::uuid[]) ORDER BY order_id, kind DESC, issued_at, id;

-- name: InvoiceByID :one
SELECT * FROM invoice WHERE id = @id;

-- Refunds of an order that have no credit note yet, in the order in which they were made.
-- name: InvoiceRefundsOpen :many
SELECT r.* FROM order_refund r
WHERE r.order_id = @order_id AND NOT EXISTS (SELECT FROM invoice i WHERE i.refund_id = r.id)
ORDER BY r.created_at, r.id;

-- name: InvoiceFileGet :one
SELECT * FROM invoice_file WHERE invoice_id = @invoice_id AND language = @language;

-- Of two who make it at once the first is kept.
-- name: InvoiceFileInsert :exec
INSERT INTO invoice_file (invoice_id, language, sha256, bytes) VALUES (@invoice_id, @language, @sha256, @bytes) ON CONFLICT DO NOTHING;
