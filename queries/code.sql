-- name: CodeBatchInsert :exec
INSERT INTO code_batch (id, seller_id, variant_id, key_id, wrapped_key, idempotency_key, request_hash)
VALUES (@id, @seller_id, @variant_id, @key_id, @wrapped_key, @idempotency_key, @request_hash);

-- name: CodeBatchByKey :one
SELECT * FROM code_batch WHERE seller_id = @seller_id AND idempotency_key = @idempotency_key;

-- In the order of their fingerprints, so that uploads of the same codes wait for each other in one order. A code that is there is left out.
-- name: CodesInsert :many
INSERT INTO code (id, batch_id, variant_id, fingerprint, sealed)
SELECT c.id, @batch_id, @variant_id, c.fingerprint, c.sealed
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@fingerprints::bytea[]) AS fingerprint, unnest(@sealed::bytea[]) AS sealed) c
ORDER BY c.fingerprint
ON CONFLICT (fingerprint) DO NOTHING
RETURNING fingerprint;

-- name: CodeFingerprintsOfBatch :many
SELECT fingerprint FROM code WHERE batch_id = @batch_id ORDER BY fingerprint;

-- The oldest first. What another payment is taking is not waited for.
-- name: CodesSell :many
UPDATE code SET order_id = @order_id::uuid, sold_at = clock_timestamp()
WHERE id IN (
    SELECT c.id FROM code c WHERE c.variant_id = @variant_id AND c.order_id IS NULL ORDER BY c.id LIMIT @quantity FOR UPDATE SKIP LOCKED)
RETURNING id;

-- Without what is sealed in them.
-- name: CodesOfOrders :many
SELECT c.id, c.variant_id, c.order_id::uuid AS order_id, c.sold_at::timestamptz AS sold_at, r.revealed_at
FROM code c LEFT JOIN code_reveal r ON r.code_id = c.id AND r.id = (SELECT min(f.id) FROM code_reveal f WHERE f.code_id = c.id)
WHERE c.order_id = ANY (@order_ids::uuid[])
ORDER BY c.order_id, c.id;

-- A code for who has bought it. The order is held as it is until the reveal is kept: who refunds it waits.
-- name: CodeOfBuyer :one
SELECT c.id, c.batch_id, c.variant_id, c.sealed, b.key_id, b.wrapped_key, o.payment
FROM orders o JOIN code c ON c.order_id = o.id JOIN code_batch b ON b.id = c.batch_id
WHERE c.id = @id AND o.buyer_id = @buyer_id
FOR SHARE OF o;

-- name: CodeRevealInsert :exec
INSERT INTO code_reveal (code_id, variant_id, user_id) VALUES (@code_id, @variant_id, @user_id);

-- name: CodeRevealPage :many
SELECT sqlc.embed(r), c.order_id::uuid AS order_id FROM code_reveal r JOIN code c ON c.id = r.code_id
WHERE r.variant_id = @variant_id AND r.id < @before
ORDER BY r.id DESC
LIMIT @page_size;

-- Waits for who has them: a rotation that was killed may still hold its last ones.
-- name: CodeBatchesToRotate :many
SELECT id, variant_id, key_id, wrapped_key FROM code_batch
WHERE key_id <> @key_id AND id > @after
ORDER BY id
LIMIT @page_size
FOR UPDATE;

-- name: CodeBatchesRewrap :exec
UPDATE code_batch SET key_id = @key_id, wrapped_key = n.wrapped_key
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@wrapped_keys::bytea[]) AS wrapped_key) n
WHERE code_batch.id = n.id;

-- name: CodeKeys :many
SELECT key_id, count(*) AS batches FROM code_batch GROUP BY key_id ORDER BY key_id;
