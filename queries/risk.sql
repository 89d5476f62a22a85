-- name: RiskCheckInsert :exec
INSERT INTO risk_check (id, user_id, quote_id, order_id, reservation_id, card_id, fingerprint, place, client, device, verdict, rules)
VALUES (@id, @user_id, sqlc.narg('quote_id'), sqlc.narg('order_id'), sqlc.narg('reservation_id'), sqlc.narg('card_id'), (SELECT d.fingerprint FROM card d WHERE d.id = sqlc.narg('card_id')),
        sqlc.narg('place'), nullif(@client::text, '')::inet, sqlc.narg('device'), @verdict, @rules);

-- How often, and by how many, of late; none of them is counted further than its rule asks. users has those of the card, the place, the address and the device.
-- The times are subselects, so that they bound the index.
-- name: RiskCounts :one
SELECT
    EXISTS (SELECT FROM risk_review v WHERE v.user_id = @user_id AND v.status = 'REFUSED')::boolean AS refused,
    coalesce((SELECT t.tier FROM risk_tier t WHERE t.user_id = @user_id), 'NORMAL')::text AS tier,
    (SELECT count(*) FROM (
        SELECT FROM risk_check c
        WHERE c.user_id = @user_id AND c.checked_at > (SELECT clock_timestamp() - make_interval(secs => @checkout_seconds::float8)) AND c.verdict <> 'REFUSE'
        LIMIT 1000) c) AS checkouts,
    (SELECT count(*) FROM (
        SELECT FROM order_payment p
        WHERE p.user_id = @user_id AND p.status = 'FAILED' AND p.created_at > (SELECT clock_timestamp() - make_interval(secs => @card_seconds::float8)) AND p.card_amount > 0
        LIMIT 1000) p) AS failed_cards,
    (SELECT count(*)
     FROM (SELECT o.id FROM card d JOIN card o ON o.fingerprint = d.fingerprint WHERE d.id = sqlc.narg('card_id')::uuid ORDER BY o.id DESC LIMIT 100) same
     JOIN LATERAL (
        SELECT FROM order_payment p
        WHERE p.card_id = same.id AND p.status = 'FAILED' AND p.created_at > (SELECT clock_timestamp() - make_interval(secs => @failure_seconds::float8))
        LIMIT 1000) p ON true) AS card_failures,
    risk_users(@user_id, (SELECT d.fingerprint FROM card d WHERE d.id = sqlc.narg('card_id')::uuid), sqlc.narg('place'), nullif(@client::text, '')::inet, sqlc.narg('device'),
        @enough::bigint[], @seconds::float8[])::bigint[] AS users;

-- What was looked at, as the queue of staff shows it.
-- name: RiskReviewPage :many
SELECT sqlc.embed(v), c.rules, c.card_id
FROM risk_review v JOIN risk_check c ON c.id = v.check_id
WHERE v.status = @status AND (v.checked_at, v.check_id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY v.checked_at, v.check_id
LIMIT @page_size;

-- name: RiskReviewGet :one
SELECT sqlc.embed(v), c.rules, c.card_id FROM risk_review v JOIN risk_check c ON c.id = v.check_id WHERE v.check_id = @check_id;

-- name: RiskReviewLock :one
SELECT * FROM risk_review WHERE check_id = @check_id FOR UPDATE;

-- name: RiskReviewDecide :exec
UPDATE risk_review SET status = @status, decided_by = @decided_by::uuid, reason = @reason::text, decided_at = clock_timestamp() WHERE check_id = @check_id;

-- The orders of what was looked at: of a quote, of a reservation, or the one that was paid.
-- name: RiskReviewOrders :many
SELECT c.id AS check_id, c.order_id::uuid AS order_id FROM risk_check c WHERE c.id = ANY (@ids::uuid[]) AND c.order_id IS NOT NULL
UNION ALL
SELECT c.id, o.id FROM risk_check c JOIN orders o ON o.reservation_id = c.reservation_id WHERE c.id = ANY (@ids::uuid[])
UNION ALL
SELECT c.id, g.order_id FROM risk_check c JOIN quote_group g ON g.quote_id = c.quote_id WHERE c.id = ANY (@ids::uuid[])
ORDER BY 1, 2;

-- What staff have refused, of which orders may still be on their way.
-- name: RiskReviewsToUndo :many
SELECT check_id, decided_by::uuid AS decided_by, decided_at::timestamptz AS decided_at FROM risk_review
WHERE status = 'REFUSED' AND undone_at IS NULL AND (decided_at, check_id) > (@after_at::timestamptz, @after_id::uuid)
ORDER BY decided_at, check_id
LIMIT @page_size;

-- name: RiskReviewUndone :exec
UPDATE risk_review SET undone_at = clock_timestamp() WHERE check_id = @check_id AND status = 'REFUSED' AND undone_at IS NULL;

-- name: RiskTierGet :one
SELECT * FROM risk_tier WHERE user_id = @user_id;

-- name: RiskTierSet :one
INSERT INTO risk_tier (user_id, tier, reason, set_by) VALUES (@user_id, @tier, @reason, @set_by)
ON CONFLICT (user_id) DO UPDATE SET tier = excluded.tier, reason = excluded.reason, set_by = excluded.set_by, set_at = excluded.set_at
RETURNING *;
