-- name: ConversationInsert :exec
INSERT INTO conversation (id, listing_id, buyer_id, seller_id)
VALUES (@id, @listing_id, @buyer_id, @seller_id)
ON CONFLICT (listing_id, buyer_id) DO NOTHING;

-- name: ConversationOfBuyerLock :one
SELECT * FROM conversation WHERE listing_id = @listing_id AND buyer_id = @buyer_id FOR UPDATE;

-- name: ConversationOfMemberLock :one
SELECT * FROM conversation
WHERE id = @id AND @member::uuid IN (buyer_id, seller_id)
FOR UPDATE;

-- name: ConversationOfMember :one
SELECT * FROM conversation WHERE id = @id AND @member::uuid IN (buyer_id, seller_id);

-- name: ConversationAdvance :one
UPDATE conversation SET version = version + 1, active_at = clock_timestamp() WHERE id = @id RETURNING *;

-- name: ConversationPage :many
SELECT * FROM conversation
WHERE @member::uuid IN (buyer_id, seller_id) AND (active_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY active_at DESC, id DESC
LIMIT @page_size;

-- name: MessageInsert :one
INSERT INTO message (id, conversation_id, version, sender_id, body, sent_at)
VALUES (@id, @conversation_id, @version, @sender_id, @body, @sent_at)
RETURNING *;

-- name: MessagePage :many
SELECT m.* FROM message m JOIN conversation c ON c.id = m.conversation_id
WHERE c.id = @conversation_id AND @member::uuid IN (c.buyer_id, c.seller_id) AND m.version < @before_version
ORDER BY m.version DESC
LIMIT @page_size;

-- name: MessageOfMember :one
SELECT m.* FROM message m JOIN conversation c ON c.id = m.conversation_id
WHERE m.id = @id AND @member::uuid IN (c.buyer_id, c.seller_id);
