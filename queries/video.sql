-- name: VideoUID :one
SELECT uid FROM video_uid WHERE user_id = @user_id;

-- name: VideoUIDInsert :exec
INSERT INTO video_uid (user_id) VALUES (@user_id) ON CONFLICT (user_id) DO NOTHING;

-- name: VideoGuestUID :one
SELECT nextval('video_guest_uid')::bigint;
