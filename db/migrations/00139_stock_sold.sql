-- +goose Up
-- What is sold was reserved, and one change of the stock's row says both: it goes down and is reserved no more.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION stock_move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE stock SET on_hand = stock.on_hand + NEW.quantity, number = stock.number + 1,
        reserved = stock.reserved + CASE NEW.kind WHEN 'SOLD' THEN NEW.quantity ELSE 0 END
    WHERE variant_id = NEW.variant_id AND location_id = NEW.location_id
    RETURNING stock.on_hand, stock.number INTO NEW.on_hand, NEW.number;
    RETURN NEW; -- without a stock the foreign key refuses
END $$;
-- +goose StatementEnd

-- Of it and the end of the reservation's time one comes first. It also says of which stocks there is as little now as their sellers want to hear of, which was
-- looked for among all movements of a variant before.
-- +goose StatementBegin
CREATE FUNCTION reservation_sell(p_id uuid, OUT consumed boolean, OUT variants uuid[], OUT locations uuid[], OUT numbers bigint[], OUT left_on_hand integer[])
LANGUAGE plpgsql AS $$
DECLARE
    line record;
    moved record;
    buyer uuid;
BEGIN
    variants := '{}'; locations := '{}'; numbers := '{}'; left_on_hand := '{}';
    consumed := false;
    UPDATE reservation SET status = 'CONSUMED', ended_at = clock_timestamp()
    WHERE id = p_id AND status = 'OPEN' AND expires_at > clock_timestamp() RETURNING user_id INTO buyer;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR line IN
        SELECT * FROM reservation_line WHERE reservation_id = p_id ORDER BY location_id IS NOT NULL, variant_id, location_id
    LOOP
        IF line.location_id IS NULL THEN
            UPDATE listing
            SET status = CASE status WHEN 'HIDDEN' THEN status ELSE 'SOLD' END, hidden_from = CASE status WHEN 'HIDDEN' THEN 'SOLD' END,
                reserved_by = NULL, reserved_until = NULL
            WHERE id = line.variant_id AND reserved_by = p_id;
            IF NOT FOUND THEN
                RETURN; -- its time ended in this very moment, and somebody has it: the caller undoes the rest
            END IF;
        ELSE
            INSERT INTO stock_movement (variant_id, location_id, number, kind, quantity, on_hand, cause_id, actor_id)
            VALUES (line.variant_id, line.location_id, 0, 'SOLD', -line.quantity, 0, p_id, buyer)
            RETURNING number, on_hand INTO moved;
            IF EXISTS (
                SELECT FROM stock s WHERE s.variant_id = line.variant_id AND s.location_id = line.location_id
                  AND moved.on_hand <= s.low_at AND moved.on_hand + line.quantity > s.low_at) THEN
                variants := variants || line.variant_id;
                locations := locations || line.location_id;
                numbers := numbers || moved.number;
                left_on_hand := left_on_hand || moved.on_hand;
            END IF;
        END IF;
    END LOOP;
    consumed := true;
END $$;
-- +goose StatementEnd

-- For servers of the release before.
CREATE OR REPLACE FUNCTION reservation_consume(p_id uuid) RETURNS boolean LANGUAGE sql AS $$ SELECT s.consumed FROM reservation_sell(p_id) s $$;

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION stock_move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE stock SET on_hand = stock.on_hand + NEW.quantity, number = stock.number + 1
    WHERE variant_id = NEW.variant_id AND location_id = NEW.location_id
    RETURNING stock.on_hand, stock.number INTO NEW.on_hand, NEW.number;
    RETURN NEW; -- without a stock the foreign key refuses
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION reservation_consume(p_id uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line record;
    buyer uuid;
BEGIN
    UPDATE reservation SET status = 'CONSUMED', ended_at = clock_timestamp()
    WHERE id = p_id AND status = 'OPEN' AND expires_at > clock_timestamp() RETURNING user_id INTO buyer;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOR line IN
        SELECT * FROM reservation_line WHERE reservation_id = p_id ORDER BY location_id IS NOT NULL, variant_id, location_id
    LOOP
        IF line.location_id IS NULL THEN
            UPDATE listing
            SET status = CASE status WHEN 'HIDDEN' THEN status ELSE 'SOLD' END, hidden_from = CASE status WHEN 'HIDDEN' THEN 'SOLD' END,
                reserved_by = NULL, reserved_until = NULL
            WHERE id = line.variant_id AND reserved_by = p_id;
            IF NOT FOUND THEN
                RETURN false; -- its time ended in this very moment, and somebody has it: the caller undoes the rest
            END IF;
        ELSE
            UPDATE stock SET reserved = reserved - line.quantity WHERE variant_id = line.variant_id AND location_id = line.location_id;
            INSERT INTO stock_movement (variant_id, location_id, number, kind, quantity, on_hand, cause_id, actor_id)
            VALUES (line.variant_id, line.location_id, 0, 'SOLD', -line.quantity, 0, p_id, buyer);
        END IF;
    END LOOP;
    RETURN true;
END $$;
-- +goose StatementEnd
DROP FUNCTION reservation_sell(uuid);
