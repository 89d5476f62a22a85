-- +goose Up
-- A reservation begins at the instant from which its time is counted, so that who opens it knows its row without reading it again.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION reservation_open(
    p_id uuid, p_user uuid, p_key text, p_hash bytea, p_seconds double precision, p_variants uuid[], p_locations uuid[], p_quantities integer[]
) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
BEGIN
    INSERT INTO reservation (id, user_id, idempotency_key, request_hash, created_at, expires_at)
    VALUES (p_id, p_user, p_key, p_hash, began, began + make_interval(secs => p_seconds));
    PERFORM reservation_take(p_id, p_variants, p_locations, p_quantities);
    RETURN began;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION reservation_open(
    p_id uuid, p_user uuid, p_key text, p_hash bytea, p_seconds double precision, p_variants uuid[], p_locations uuid[], p_quantities integer[]
) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz := clock_timestamp() + make_interval(secs => p_seconds);
BEGIN
    INSERT INTO reservation (id, user_id, idempotency_key, request_hash, expires_at) VALUES (p_id, p_user, p_key, p_hash, until);
    PERFORM reservation_take(p_id, p_variants, p_locations, p_quantities);
    RETURN until;
END $$;
-- +goose StatementEnd
