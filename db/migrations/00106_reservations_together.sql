-- +goose Up
-- Reservations that are opened, or given back, by one statement and so with one commit: docs/inventory.md. Each takes its rows in the order
-- in which all others do: reservations, what exists once, stock, by their ids.

-- Opens several, of stock alone: what exists once goes alone. p_of says which reservation a line is of, from 1. Where the lines together are
-- short, nothing is opened; the caller then tries each by itself.
-- +goose StatementBegin
CREATE FUNCTION reservations_open(
    p_ids uuid[], p_users uuid[], p_keys text[], p_hashes bytea[], p_seconds double precision,
    p_of integer[], p_numbers integer[], p_variants uuid[], p_locations uuid[], p_quantities integer[]
) RETURNS timestamptz LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET lock_timeout = '100ms' AS $$
DECLARE
    began timestamptz := clock_timestamp();
    wanted record;
BEGIN
    INSERT INTO reservation (id, user_id, idempotency_key, request_hash, created_at, expires_at)
    SELECT r.id, r.user_id, r.key, r.hash, began, began + make_interval(secs => p_seconds)
    FROM unnest(p_ids, p_users, p_keys, p_hashes) AS r (id, user_id, key, hash);
    FOR wanted IN
        SELECT w.variant, w.location, sum(w.quantity) AS quantity
        FROM unnest(p_variants, p_locations, p_quantities) AS w (variant, location, quantity)
        GROUP BY w.variant, w.location ORDER BY w.variant, w.location
    LOOP
        UPDATE stock SET reserved = reserved + wanted.quantity
        WHERE variant_id = wanted.variant AND location_id = wanted.location AND on_hand - reserved >= wanted.quantity;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is not enough' USING ERRCODE = 'SK410', DETAIL = wanted.variant::text;
        END IF;
    END LOOP;
    INSERT INTO reservation_line (reservation_id, number, variant_id, location_id, quantity)
    SELECT p_ids[w.of], w.number, w.variant, w.location, w.quantity
    FROM unnest(p_of, p_numbers, p_variants, p_locations, p_quantities) AS w (of, number, variant, location, quantity);
    RETURN began;
END $$;
-- +goose StatementEnd

-- Gives back what several buyers have reserved, each their own, and answers what it ended: of those that are theirs what was open.
-- +goose StatementBegin
CREATE FUNCTION reservations_release(p_ids uuid[], p_users uuid[]) RETURNS uuid[] LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET lock_timeout = '100ms' AS $$
DECLARE
    gone uuid[];
    line record;
BEGIN
    PERFORM FROM reservation r JOIN unnest(p_ids, p_users) AS w (id, user_id) ON r.id = w.id AND r.user_id = w.user_id
    WHERE r.status = 'OPEN' ORDER BY r.id FOR UPDATE OF r;
    WITH ended AS (
        UPDATE reservation r SET status = 'RELEASED', ended_at = clock_timestamp()
        FROM unnest(p_ids, p_users) AS w (id, user_id) WHERE r.id = w.id AND r.user_id = w.user_id AND r.status = 'OPEN'
        RETURNING r.id
    )
    SELECT coalesce(array_agg(e.id), '{}') INTO gone FROM ended e;
    FOR line IN
        SELECT l.variant_id, l.reservation_id FROM reservation_line l
        WHERE l.reservation_id = ANY (gone) AND l.location_id IS NULL ORDER BY l.variant_id
    LOOP -- somebody else may have it by now
        UPDATE listing
        SET status = CASE status WHEN 'HIDDEN' THEN status ELSE 'ACTIVE' END, hidden_from = CASE status WHEN 'HIDDEN' THEN 'ACTIVE' END,
            reserved_by = NULL, reserved_until = NULL
        WHERE listing.id = line.variant_id AND reserved_by = line.reservation_id;
    END LOOP;
    FOR line IN
        SELECT l.variant_id, l.location_id, sum(l.quantity) AS quantity FROM reservation_line l
        WHERE l.reservation_id = ANY (gone) AND l.location_id IS NOT NULL
        GROUP BY l.variant_id, l.location_id ORDER BY l.variant_id, l.location_id
    LOOP
        UPDATE stock s SET reserved = reserved - line.quantity WHERE s.variant_id = line.variant_id AND s.location_id = line.location_id;
    END LOOP;
    RETURN gone;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION reservations_open(uuid[], uuid[], text[], bytea[], double precision, integer[], integer[], uuid[], uuid[], integer[]),
    reservations_release(uuid[], uuid[]);
