-- The row's lock makes commit order version order.
-- name: FeedAdvance :one
INSERT INTO user_feed (user_id, version) VALUES (@user_id, 1)
ON CONFLICT (user_id) DO UPDATE SET version = user_feed.version + 1
RETURNING version;

-- name: FeedVersion :one
SELECT coalesce((SELECT version FROM user_feed WHERE user_id = @user_id), 0)::bigint AS version, clock_timestamp()::timestamptz AS at;

-- name: SupportFeedAdvance :one
UPDATE support_feed SET version = version + 1 RETURNING version;

-- name: SupportFeedVersion :one
SELECT version, clock_timestamp()::timestamptz AS at FROM support_feed;

-- Their rows are locked in the order of their ids, as everybody does who tells several. The versions of a user's news end at the one
-- that this gives.
-- name: FeedAdvanceAll :many
INSERT INTO user_feed (user_id, version)
SELECT q.u, q.n FROM (SELECT unnest(@users::uuid[]) AS u, unnest(@counts::integer[]) AS n) q ORDER BY q.u
ON CONFLICT (user_id) DO UPDATE SET version = user_feed.version + excluded.version
RETURNING user_id, version;

-- Locks users' feeds without telling anything, in the order of their ids.
-- name: FeedLock :exec
INSERT INTO user_feed (user_id, version)
SELECT u, 0 FROM (SELECT DISTINCT unnest(@users::uuid[]) AS u) q ORDER BY u
ON CONFLICT (user_id) DO UPDATE SET version = user_feed.version;
