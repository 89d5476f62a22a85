-- name: TopUpInsert :one
INSERT INTO top_up (id, user_id, amount, currency, card_id, payment_method, idempotency_key, request_hash)
VALUES (@id, @user_id, @amount, @currency, sqlc.narg('card_id'), @payment_method, @idempotency_key, @request_hash)
ON CONFLICT (user_id, idempotency_key) DO NOTHING
RETURNING *;

-- name: TopUpByKey :one
SELECT * FROM top_up WHERE user_id = @user_id AND idempotency_key = @idempotency_key;

-- name: TopUpOfUser :one
SELECT * FROM top_up WHERE id = @id AND user_id = @user_id;

-- name: TopUpsOfUser :many
SELECT * FROM top_up WHERE id = ANY (@ids::uuid[]) AND user_id = @user_id ORDER BY id;

-- name: TopUpOfProvider :one
SELECT id FROM top_up WHERE provider_id = @provider_id::text;

-- name: TopUpLock :one
SELECT * FROM top_up WHERE id = @id FOR UPDATE;

-- The age is the database's to tell: servers' clocks may differ.
-- name: TopUpWithAge :one
SELECT sqlc.embed(top_up), extract(epoch FROM clock_timestamp() - created_at)::bigint AS age_seconds
FROM top_up WHERE id = @id;

-- The provider's id is set once and never exchanged for another.
-- name: TopUpSetProvider :execrows
UPDATE top_up SET provider_id = @provider_id
WHERE id = @id AND status = 'PROCESSING' AND (provider_id IS NULL OR provider_id = @provider_id);

-- name: TopUpNextAttempt :execrows
UPDATE top_up SET attempt = attempt + 1 WHERE id = @id AND attempt = @attempt AND status = 'PROCESSING';

-- name: TopUpSucceed :one
UPDATE top_up
SET status = 'SUCCEEDED', charge_id = @charge_id::text, balance_txn_id = @balance_txn_id::text, fee = @fee::bigint,
    resolved_at = clock_timestamp()
WHERE id = @id AND status IN ('PROCESSING', 'REQUIRES_ACTION')
RETURNING *;

-- name: TopUpFail :one
UPDATE top_up
SET status = 'FAILED', failure_code = @failure_code::text, decline_code = @decline_code, resolved_at = clock_timestamp()
WHERE id = @id AND status IN ('PROCESSING', 'REQUIRES_ACTION')
RETURNING *;

-- name: TopUpAwaitAction :one
UPDATE top_up SET status = 'REQUIRES_ACTION', next_action_url = sqlc.narg('next_action_url')
WHERE id = @id AND status IN ('PROCESSING', 'REQUIRES_ACTION')
RETURNING *;

-- What the sweep has to look at. A card's holder has until the keys are too old.
-- name: TopUpsOpen :many
SELECT id FROM top_up
WHERE id > @after_id
  AND ((status = 'PROCESSING' AND created_at < clock_timestamp() - make_interval(secs => @older_than_seconds::float8))
    OR (status = 'REQUIRES_ACTION' AND created_at < clock_timestamp() - make_interval(secs => @key_life_seconds::float8)))
ORDER BY id
LIMIT @page_size;

-- name: HoldInsert :exec
INSERT INTO hold (id, user_id, amount, currency, cause_kind, cause_id)
SELECT unnest(@ids::uuid[]), unnest(@users::uuid[]), unnest(@amounts::bigint[]), unnest(@currencies::text[]),
       @cause_kind::text, @cause_id::uuid;

-- The locks are taken in the order of the ids, whatever order the caller has them in.
-- name: HoldsLock :many
SELECT * FROM hold WHERE id = ANY (@ids::uuid[]) ORDER BY id FOR UPDATE;

-- name: HoldsResolve :execrows
UPDATE hold SET status = @status, resolved_at = clock_timestamp() WHERE id = ANY (@ids::uuid[]) AND status = 'OPEN';

-- One hold for another. Where the first is not open as it is told, nothing is done.
-- name: HoldSwap :execrows
WITH released AS (
    UPDATE hold SET status = 'RELEASED', resolved_at = clock_timestamp()
    WHERE id = sqlc.narg(release)::uuid AND status = 'OPEN' AND user_id = @held_by::uuid AND amount = @held::bigint AND currency = @currency
    RETURNING id
)
INSERT INTO hold (id, user_id, amount, currency, cause_kind, cause_id)
SELECT @id::uuid, @user_id::uuid, @amount::bigint, @currency::text, @cause_kind::text, @cause_id::uuid
WHERE sqlc.narg(release)::uuid IS NULL OR EXISTS (SELECT FROM released);

-- name: HoldsOpenSum :many
SELECT currency, sum(amount)::bigint AS held, count(*) AS holds
FROM hold WHERE user_id = @user_id AND status = 'OPEN'
GROUP BY currency
ORDER BY currency;

-- name: CustomerEnsure :exec
INSERT INTO provider_customer (user_id, provider) VALUES (@user_id, @provider) ON CONFLICT DO NOTHING;

-- name: CustomerOfUser :one
SELECT * FROM provider_customer WHERE user_id = @user_id AND provider = @provider;

-- The first answer counts: whoever lost the race reads the winner's.
-- name: CustomerSet :exec
UPDATE provider_customer SET customer_id = @customer_id::text
WHERE user_id = @user_id AND provider = @provider AND customer_id IS NULL;

-- name: CustomerNextAttempt :exec
UPDATE provider_customer SET attempt = attempt + 1
WHERE user_id = @user_id AND provider = @provider AND attempt = @attempt AND customer_id IS NULL;

-- A card that was set up twice is one card.
-- name: CardSave :one
INSERT INTO card (id, user_id, provider, method_id, brand, last4, exp_month, exp_year, fingerprint)
VALUES (@id, @user_id, @provider, @method_id, @brand, @last4, @exp_month, @exp_year, sqlc.narg('fingerprint'))
ON CONFLICT (provider, method_id) DO UPDATE
SET brand = excluded.brand, last4 = excluded.last4, exp_month = excluded.exp_month, exp_year = excluded.exp_year, fingerprint = coalesce(excluded.fingerprint, card.fingerprint)
RETURNING *;

-- name: CardsOfUser :many
SELECT * FROM card WHERE user_id = @user_id AND removed_at IS NULL ORDER BY created_at DESC, id DESC LIMIT @page_size;

-- name: CardsOfUserByID :many
SELECT * FROM card WHERE user_id = @user_id AND id = ANY (@ids::uuid[]) ORDER BY id;

-- name: CardOfUser :one
SELECT * FROM card WHERE id = @id AND user_id = @user_id;

-- name: CardOfMethod :one
SELECT * FROM card WHERE provider = @provider AND method_id = @method_id;

-- name: CardGet :one
SELECT * FROM card WHERE id = @id;

-- Removed once: who comes second gets no row.
-- name: CardRemove :one
UPDATE card SET removed_at = clock_timestamp() WHERE id = @id AND user_id = @user_id AND removed_at IS NULL RETURNING *;

-- name: CardsOfUserCount :one
SELECT count(*) FROM card WHERE user_id = @user_id AND removed_at IS NULL;

-- name: CardDetached :exec
UPDATE card SET detached_at = clock_timestamp() WHERE id = @id AND removed_at IS NOT NULL AND detached_at IS NULL;

-- What lost its job; the job itself has had time.
-- name: CardsToDetach :many
SELECT id FROM card
WHERE removed_at < clock_timestamp() - make_interval(secs => @older_than_seconds::float8) AND detached_at IS NULL
ORDER BY id
LIMIT @page_size;

-- name: CardRefresh :exec
UPDATE card SET brand = @brand, last4 = @last4, exp_month = @exp_month, exp_year = @exp_year, fingerprint = coalesce(sqlc.narg('fingerprint'), fingerprint)
WHERE id = @id AND removed_at IS NULL;

-- name: SetupInsert :one
INSERT INTO card_setup (id, user_id, payment_method) VALUES (@id, @user_id, sqlc.narg('payment_method')) RETURNING *;

-- Ids begin with their time, so that the primary key finds the young ones.
-- name: SetupsSinceCount :one
SELECT count(*) FROM card_setup WHERE id > @since AND user_id = @user_id;

-- name: SetupOpenSince :one
SELECT sqlc.embed(card_setup), extract(epoch FROM clock_timestamp() - created_at)::bigint AS age_seconds
FROM card_setup
WHERE id > @since AND user_id = @user_id AND payment_method IS NOT DISTINCT FROM sqlc.narg('payment_method')
  AND status IN ('PROCESSING', 'REQUIRES_ACTION')
ORDER BY id DESC
LIMIT 1;

-- name: SetupOfUser :one
SELECT * FROM card_setup WHERE id = @id AND user_id = @user_id;

-- name: SetupOfProvider :one
SELECT id FROM card_setup WHERE provider_id = @provider_id::text;

-- name: SetupLock :one
SELECT * FROM card_setup WHERE id = @id FOR UPDATE;

-- name: SetupWithAge :one
SELECT sqlc.embed(card_setup), extract(epoch FROM clock_timestamp() - created_at)::bigint AS age_seconds
FROM card_setup WHERE id = @id;

-- name: SetupSetProvider :execrows
UPDATE card_setup SET provider_id = @provider_id
WHERE id = @id AND status = 'PROCESSING' AND (provider_id IS NULL OR provider_id = @provider_id);

-- name: SetupNextAttempt :execrows
UPDATE card_setup SET attempt = attempt + 1 WHERE id = @id AND attempt = @attempt AND status = 'PROCESSING';

-- name: SetupSucceed :one
UPDATE card_setup SET status = 'SUCCEEDED', card_id = @card_id::uuid, resolved_at = clock_timestamp()
WHERE id = @id AND status IN ('PROCESSING', 'REQUIRES_ACTION')
RETURNING *;

-- name: SetupFail :one
UPDATE card_setup
SET status = 'FAILED', failure_code = @failure_code::text, decline_code = @decline_code, resolved_at = clock_timestamp()
WHERE id = @id AND status IN ('PROCESSING', 'REQUIRES_ACTION')
RETURNING *;

-- name: SetupAwaitAction :one
UPDATE card_setup SET status = 'REQUIRES_ACTION', next_action_url = sqlc.narg('next_action_url')
WHERE id = @id AND status IN ('PROCESSING', 'REQUIRES_ACTION')
RETURNING *;

-- The setups that nobody will finish any more.
-- name: SetupsAbandoned :many
SELECT id FROM card_setup
WHERE id > @after_id AND status IN ('PROCESSING', 'REQUIRES_ACTION')
  AND created_at < clock_timestamp() - make_interval(secs => @older_than_seconds::float8)
ORDER BY id
LIMIT @page_size;

-- name: ProviderEventInsert :execrows
INSERT INTO provider_event (id, provider, kind, object_id, created_at, status, error)
VALUES (@id, @provider, @kind, @object_id, @created_at, @status, sqlc.narg('error'))
ON CONFLICT (id) DO NOTHING;

-- name: ProviderEventGet :one
SELECT * FROM provider_event WHERE id = @id;

-- name: ProviderEventEnd :exec
UPDATE provider_event SET status = @status, error = sqlc.narg('error'), attempts = attempts + 1
WHERE id = @id AND status IN ('RECEIVED', 'FAILED');

-- What lost its job, or failed. Those that failed often come last, and less and less often: an event that failed n times waits n*n/8 times as long.
-- name: ProviderEventsOpen :many
SELECT id FROM provider_event
WHERE status IN ('RECEIVED', 'FAILED')
  AND received_at < clock_timestamp() - make_interval(secs => @older_than_seconds::float8)
      * CASE status WHEN 'FAILED' THEN greatest(1, attempts * attempts / 8.0) ELSE 1 END
ORDER BY attempts, received_at, id
LIMIT @page_size;

-- name: ProviderCursorGet :one
SELECT read_to FROM provider_cursor WHERE provider = @provider;

-- name: ProviderCursorSet :exec
INSERT INTO provider_cursor (provider, read_to) VALUES (@provider, @read_to)
ON CONFLICT (provider) DO UPDATE SET read_to = greatest(provider_cursor.read_to, excluded.read_to);

-- name: ProviderTxnInsert :exec
INSERT INTO provider_txn (provider, id, kind, currency, gross, fee, entry_key)
VALUES (@provider, @id, @kind, @currency, @gross, @fee, @entry_key);
