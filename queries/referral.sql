-- name: ReferralCodeOf :one
SELECT code FROM referral_code WHERE user_id = @user_id;

-- A user has one code: who comes second reads the first's. A code that another user has by chance is no conflict here, and
-- is told by its constraint.
-- name: ReferralCodeInsert :execrows
INSERT INTO referral_code (user_id, code) VALUES (@user_id, @code) ON CONFLICT (user_id) DO NOTHING;

-- name: ReferralCodeOwner :one
SELECT user_id FROM referral_code WHERE code = @code;

-- name: ReferralInsert :exec
INSERT INTO referral (id, referee_id, referrer_id, code) VALUES (@id, @referee_id, @referrer_id, @code);

-- Takes the referee's row if it still waits: of two orders that complete at once, the second finds it pending.
-- name: ReferralPend :one
UPDATE referral
SET status = 'PENDING', order_id = @order_id::uuid, amount = @amount::bigint, currency = @currency::text,
    pending_at = t.now, matures_at = t.now + make_interval(secs => @window_seconds::float8)
FROM (SELECT clock_timestamp() AS now) t
WHERE referee_id = @referee_id AND status = 'WAITING'
RETURNING referral.*;

-- name: ReferralCancel :one
UPDATE referral SET status = 'CANCELLED', resolved_at = clock_timestamp()
WHERE order_id = @order_id::uuid AND status = 'PENDING'
RETURNING *;

-- Who brought a user, where a commission on their orders is to come or may be taken back. The row is locked, as it comes before its referrer's feed.
-- name: ReferralReferrer :one
SELECT referrer_id FROM referral WHERE referee_id = @referee_id AND status IN ('WAITING', 'PENDING') FOR UPDATE;

-- name: ReferralMature :one
UPDATE referral SET status = 'MATURED', resolved_at = clock_timestamp()
WHERE id = @id AND status = 'PENDING' AND matures_at <= clock_timestamp()
RETURNING *;

-- name: ReferralsDue :many
SELECT id FROM referral
WHERE status = 'PENDING' AND matures_at <= clock_timestamp() AND id > @after_id
ORDER BY id
LIMIT @page_size;

-- name: ReferralOfReferrer :one
SELECT sqlc.embed(referral), app_user.name AS referee_name
FROM referral JOIN app_user ON app_user.id = referral.referee_id
WHERE referral.id = @id AND referral.referrer_id = @referrer_id;

-- name: ReferralsOfReferrer :many
SELECT sqlc.embed(referral), app_user.name AS referee_name
FROM referral JOIN app_user ON app_user.id = referral.referee_id
WHERE referral.id = ANY (@ids::uuid[]) AND referral.referrer_id = @referrer_id
ORDER BY referral.id;

-- name: ReferralPage :many
SELECT sqlc.embed(referral), app_user.name AS referee_name
FROM referral JOIN app_user ON app_user.id = referral.referee_id
WHERE referral.referrer_id = @referrer_id AND (referral.joined_at, referral.id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY referral.joined_at DESC, referral.id DESC
LIMIT @page_size;

-- name: ReferralEarned :many
SELECT currency::text AS currency, sum(amount)::bigint AS earned
FROM referral WHERE referrer_id = @referrer_id AND status = 'MATURED'
GROUP BY currency
ORDER BY currency;
