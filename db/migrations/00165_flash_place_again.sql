-- +goose Up
-- A place in a waiting room is for one reservation at a time: once that was given back or ran out, for another. What it was sold for stays: docs/flash-sales.md.

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION flash_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'places in a waiting room are kept' USING ERRCODE = 'SK432';
    END IF;
    IF TG_TABLE_NAME = 'flash_place' THEN
        IF (NEW.sale_id, NEW.user_id) IS DISTINCT FROM (OLD.sale_id, OLD.user_id) OR (OLD.number IS NOT NULL AND NEW.number IS DISTINCT FROM OLD.number)
            OR (OLD.reservation_id IS NOT NULL AND NEW.reservation_id IS DISTINCT FROM OLD.reservation_id
                AND (NEW.reservation_id IS NULL OR NOT EXISTS (SELECT FROM reservation r WHERE r.id = OLD.reservation_id AND r.status IN ('RELEASED', 'EXPIRED'))))
        THEN
            RAISE EXCEPTION 'a place in a waiting room stays' USING ERRCODE = 'SK432';
        END IF;
    ELSIF NEW.admitted < OLD.admitted OR NEW.joined < OLD.joined
        OR (NEW.id, NEW.listing_id, NEW.mode, NEW.starts_at, NEW.ends_at, NEW.admit_per_minute, NEW.per_buyer, NEW.commitment, NEW.seed)
            IS DISTINCT FROM (OLD.id, OLD.listing_id, OLD.mode, OLD.starts_at, OLD.ends_at, OLD.admit_per_minute, OLD.per_buyer, OLD.commitment, OLD.seed)
        OR (OLD.drawn_at IS NOT NULL AND NEW.drawn_at IS DISTINCT FROM OLD.drawn_at)
        OR (OLD.cancelled_at IS NOT NULL AND NEW.cancelled_at IS DISTINCT FROM OLD.cancelled_at)
    THEN
        RAISE EXCEPTION 'a flash sale''s terms are fixed, and who was admitted stays so' USING ERRCODE = 'SK432';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- While a sale runs, what is reserved of its listing is a place's: of somebody who was admitted, in one reservation at a time, and no more than the
-- sale's limit. Whoever reserves, by whatever way. A reservation ends once, so that one that is seen to be over is over: two that try at once wait for the
-- place's row, and the second finds there the first's, which it can't see and so does not take for over.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION flash_take() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sale flash_sale;
    buyer uuid;
BEGIN
    SELECT f.* INTO sale FROM variant v JOIN flash_sale f ON f.listing_id = v.listing_id
    WHERE v.id = NEW.variant_id AND f.cancelled_at IS NULL AND f.starts_at <= clock_timestamp() AND f.ends_at > clock_timestamp();
    IF NOT FOUND THEN
        RETURN NEW;
    END IF;
    SELECT user_id INTO buyer FROM reservation WHERE id = NEW.reservation_id;
    UPDATE flash_place p SET reservation_id = NEW.reservation_id, taken = CASE WHEN p.reservation_id = NEW.reservation_id THEN p.taken ELSE 0 END + NEW.quantity
    WHERE p.sale_id = sale.id AND p.user_id = buyer AND p.number <= sale.admitted
      AND CASE WHEN p.reservation_id = NEW.reservation_id THEN p.taken ELSE 0 END + NEW.quantity <= sale.per_buyer
      AND (p.reservation_id IS NULL OR p.reservation_id = NEW.reservation_id
        OR EXISTS (SELECT FROM reservation r WHERE r.id = p.reservation_id AND r.status IN ('RELEASED', 'EXPIRED')));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the waiting room admits no such reservation' USING ERRCODE = 'SK431', DETAIL = NEW.variant_id::text;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION flash_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'places in a waiting room are kept' USING ERRCODE = 'SK432';
    END IF;
    IF TG_TABLE_NAME = 'flash_place' THEN
        IF (NEW.sale_id, NEW.user_id) IS DISTINCT FROM (OLD.sale_id, OLD.user_id) OR (OLD.number IS NOT NULL AND NEW.number IS DISTINCT FROM OLD.number)
            OR (OLD.reservation_id IS NOT NULL AND NEW.reservation_id IS DISTINCT FROM OLD.reservation_id)
        THEN
            RAISE EXCEPTION 'a place in a waiting room stays' USING ERRCODE = 'SK432';
        END IF;
    ELSIF NEW.admitted < OLD.admitted OR NEW.joined < OLD.joined
        OR (NEW.id, NEW.listing_id, NEW.mode, NEW.starts_at, NEW.ends_at, NEW.admit_per_minute, NEW.per_buyer, NEW.commitment, NEW.seed)
            IS DISTINCT FROM (OLD.id, OLD.listing_id, OLD.mode, OLD.starts_at, OLD.ends_at, OLD.admit_per_minute, OLD.per_buyer, OLD.commitment, OLD.seed)
        OR (OLD.drawn_at IS NOT NULL AND NEW.drawn_at IS DISTINCT FROM OLD.drawn_at)
        OR (OLD.cancelled_at IS NOT NULL AND NEW.cancelled_at IS DISTINCT FROM OLD.cancelled_at)
    THEN
        RAISE EXCEPTION 'a flash sale''s terms are fixed, and who was admitted stays so' USING ERRCODE = 'SK432';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION flash_take() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sale flash_sale;
    buyer uuid;
BEGIN
    SELECT f.* INTO sale FROM variant v JOIN flash_sale f ON f.listing_id = v.listing_id
    WHERE v.id = NEW.variant_id AND f.cancelled_at IS NULL AND f.starts_at <= clock_timestamp() AND f.ends_at > clock_timestamp();
    IF NOT FOUND THEN
        RETURN NEW;
    END IF;
    SELECT user_id INTO buyer FROM reservation WHERE id = NEW.reservation_id;
    UPDATE flash_place SET reservation_id = NEW.reservation_id, taken = taken + NEW.quantity
    WHERE sale_id = sale.id AND user_id = buyer AND number <= sale.admitted AND taken + NEW.quantity <= sale.per_buyer
      AND (reservation_id IS NULL OR reservation_id = NEW.reservation_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the waiting room admits no such reservation' USING ERRCODE = 'SK431', DETAIL = NEW.variant_id::text;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
