-- Follows, or follows again; nothing where it does already.
-- name: FollowBegin :execrows
INSERT INTO follow (followed_id, follower_id) VALUES (@followed_id, @follower_id)
ON CONFLICT (followed_id, follower_id) DO UPDATE SET since = clock_timestamp(), ended_at = NULL
WHERE follow.ended_at IS NOT NULL;

-- name: FollowEnd :execrows
UPDATE follow SET ended_at = clock_timestamp()
WHERE followed_id = @followed_id AND follower_id = @follower_id AND ended_at IS NULL;

-- name: FollowerCountUp :exec
INSERT INTO follower_count (user_id, followers) VALUES (@user_id, 1)
ON CONFLICT (user_id) DO UPDATE SET followers = follower_count.followers + 1;

-- name: FollowerCountDown :exec
UPDATE follower_count SET followers = followers - 1 WHERE user_id = @user_id;

-- name: FollowerCounts :many
SELECT user_id, followers FROM follower_count WHERE user_id = ANY (@users::uuid[]) ORDER BY user_id;

-- name: FollowedAmong :many
SELECT followed_id FROM follow
WHERE follower_id = @follower_id AND followed_id = ANY (@users::uuid[]) AND ended_at IS NULL
ORDER BY followed_id;

-- name: FollowPage :many
SELECT * FROM follow
WHERE follower_id = @follower_id AND ended_at IS NULL AND (since, followed_id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY since DESC, followed_id DESC
LIMIT @page_size;

-- name: FollowersAfter :many
SELECT follower_id FROM follow
WHERE followed_id = @followed_id AND follower_id > @after_id AND ended_at IS NULL
ORDER BY follower_id
LIMIT @page_size;
