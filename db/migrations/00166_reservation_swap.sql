-- +goose Up
-- What somebody has set aside is taken over by another reservation of theirs, in one transaction: docs/checkout.md.

-- Ends a reservation and sets aside for another, which is new, what that wants: by the difference, so that what both hold is never free in between, and nobody is
-- told of it. The caller has locked the old one, which is open, and then what exists once and the stock of both. A line whose location is all zeros is of what exists
-- once. Where one line is short nothing is changed, and the error's detail is its variant.
-- +goose StatementBegin
CREATE FUNCTION reservation_swap(p_old uuid, p_id uuid, p_variants uuid[], p_locations uuid[], p_quantities integer[]) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    line record;
    until timestamptz := (SELECT expires_at FROM reservation WHERE id = p_id);
BEGIN
    UPDATE reservation SET status = 'RELEASED', ended_at = clock_timestamp() WHERE id = p_old AND status = 'OPEN';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a reservation ends once' USING ERRCODE = 'SK413';
    END IF;
    FOR line IN
        SELECT w.variant, bool_or(w.wanted) AS wanted FROM (
            SELECT n.variant, true AS wanted FROM unnest(p_variants, p_locations) AS n (variant, location)
            WHERE n.location = '00000000-0000-0000-0000-000000000000'
            UNION ALL
            SELECT l.variant_id, false FROM reservation_line l WHERE l.reservation_id = p_old AND l.location_id IS NULL
        ) w GROUP BY w.variant ORDER BY w.variant
    LOOP
        IF line.wanted THEN
            UPDATE listing SET status = 'RESERVED', reserved_by = p_id, reserved_until = until
            WHERE id = line.variant AND kind IN ('ONE_OFF', 'GIVEAWAY') AND price IS NOT NULL
              AND (status = 'ACTIVE' OR (status = 'RESERVED' AND (reserved_by = p_old OR reserved_until <= clock_timestamp())));
            IF NOT FOUND THEN
                RAISE EXCEPTION 'there is not enough' USING ERRCODE = 'SK410', DETAIL = line.variant::text;
            END IF;
        ELSE -- somebody else may have it by now
            UPDATE listing
            SET status = CASE status WHEN 'HIDDEN' THEN status ELSE 'ACTIVE' END, hidden_from = CASE status WHEN 'HIDDEN' THEN 'ACTIVE' END,
                reserved_by = NULL, reserved_until = NULL
            WHERE id = line.variant AND reserved_by = p_old;
        END IF;
    END LOOP;
    FOR line IN
        SELECT w.variant, w.location, sum(w.quantity) AS more FROM (
            SELECT n.variant, n.location, n.quantity FROM unnest(p_variants, p_locations, p_quantities) AS n (variant, location, quantity)
            WHERE n.location <> '00000000-0000-0000-0000-000000000000'
            UNION ALL
            SELECT l.variant_id, l.location_id, -l.quantity FROM reservation_line l WHERE l.reservation_id = p_old AND l.location_id IS NOT NULL
        ) w GROUP BY w.variant, w.location HAVING sum(w.quantity) <> 0 ORDER BY w.variant, w.location
    LOOP
        UPDATE stock SET reserved = reserved + line.more
        WHERE variant_id = line.variant AND location_id = line.location AND on_hand - reserved >= line.more;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is not enough' USING ERRCODE = 'SK410', DETAIL = line.variant::text;
        END IF;
    END LOOP;
    INSERT INTO reservation_line (reservation_id, number, variant_id, location_id, quantity)
    SELECT p_id, w.number, w.variant, nullif(w.location, '00000000-0000-0000-0000-000000000000'), w.quantity
    FROM unnest(p_variants, p_locations, p_quantities) WITH ORDINALITY AS w (variant, location, quantity, number);
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION reservation_swap(uuid, uuid, uuid[], uuid[], integer[]);
