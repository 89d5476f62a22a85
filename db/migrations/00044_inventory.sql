-- +goose Up
-- How much there is of what is sold from stock, and who has it set aside: docs/inventory.md.
CREATE TABLE location (
    id         uuid        PRIMARY KEY,
    seller_id  uuid        NOT NULL REFERENCES app_user (id),
    name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    region     text        NOT NULL CHECK (region ~ '^[A-Z]{2}$'), -- a country by ISO 3166-1
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (id, seller_id),
    CONSTRAINT location_name UNIQUE (seller_id, name)
);

ALTER TABLE variant ADD CONSTRAINT variant_of_seller UNIQUE (id, seller_id);

CREATE TABLE stock (
    variant_id  uuid    NOT NULL,
    location_id uuid    NOT NULL,
    seller_id   uuid    NOT NULL,
    on_hand     integer NOT NULL DEFAULT 0 CONSTRAINT stock_on_hand CHECK (on_hand >= 0),
    reserved    integer NOT NULL DEFAULT 0,
    number      bigint  NOT NULL DEFAULT 0, -- of the newest movement
    low_at      integer CHECK (low_at >= 0), -- its seller is told when no more than this is left
    PRIMARY KEY (variant_id, location_id),
    FOREIGN KEY (variant_id, seller_id) REFERENCES variant (id, seller_id),
    FOREIGN KEY (location_id, seller_id) REFERENCES location (id, seller_id),
    CONSTRAINT stock_reserved CHECK (reserved BETWEEN 0 AND on_hand)
) WITH (fillfactor = 70); -- each reservation changes a row: room for its next version on the same page

-- Why a stock is what it is: every change of on_hand, numbered without a gap, with what was there after it. Only the trigger below
-- writes on_hand, so that the movements are the stock.
CREATE TABLE stock_movement (
    variant_id      uuid        NOT NULL,
    location_id     uuid        NOT NULL,
    number          bigint      NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('RECEIVED', 'ADJUSTED', 'MOVED_OUT', 'MOVED_IN', 'SOLD', 'RETURNED')),
    quantity        integer     NOT NULL CHECK (quantity <> 0),
    on_hand         integer     NOT NULL,
    cause_id        uuid        NOT NULL, -- one for both sides of a move; a reservation's for what was sold
    actor_id        uuid        NOT NULL REFERENCES app_user (id),
    note            text        NOT NULL DEFAULT '' CHECK (length(note) <= 1000),
    idempotency_key text,
    request_hash    bytea,
    moved_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (variant_id, location_id, number),
    FOREIGN KEY (variant_id, location_id) REFERENCES stock (variant_id, location_id),
    CONSTRAINT stock_movement_key UNIQUE (actor_id, idempotency_key, kind),
    CHECK (CASE kind WHEN 'ADJUSTED' THEN true WHEN 'MOVED_OUT' THEN quantity < 0 WHEN 'SOLD' THEN quantity < 0 ELSE quantity > 0 END)
);

-- +goose StatementBegin
CREATE FUNCTION stock_move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE stock SET on_hand = stock.on_hand + NEW.quantity, number = stock.number + 1
    WHERE variant_id = NEW.variant_id AND location_id = NEW.location_id
    RETURNING stock.on_hand, stock.number INTO NEW.on_hand, NEW.number;
    RETURN NEW; -- without a stock the foreign key refuses
END $$;
-- +goose StatementEnd
CREATE TRIGGER stock_move BEFORE INSERT ON stock_movement FOR EACH ROW EXECUTE FUNCTION stock_move();

-- +goose StatementBegin
CREATE FUNCTION stock_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.on_hand = 0 AND NEW.reserved = 0 AND NEW.number = 0 THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN
        RETURN NEW; -- stock_move
    END IF;
    RAISE EXCEPTION 'a stock changes by its movements only' USING ERRCODE = 'SK411';
END $$;
-- +goose StatementEnd
-- Reserving sets other columns, and does not pay for this.
CREATE TRIGGER stock_guard BEFORE INSERT OR UPDATE OF variant_id, location_id, seller_id, on_hand, number ON stock
    FOR EACH ROW EXECUTE FUNCTION stock_guard();

-- +goose StatementBegin
CREATE FUNCTION stock_movement_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'movements of stock are only added to' USING ERRCODE = 'SK412';
END $$;
-- +goose StatementEnd
CREATE TRIGGER stock_movement_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_movement
    FOR EACH STATEMENT EXECUTE FUNCTION stock_movement_refuse();

CREATE TABLE reservation (
    id              uuid        PRIMARY KEY,
    user_id         uuid        NOT NULL REFERENCES app_user (id),
    idempotency_key text        NOT NULL,
    request_hash    bytea       NOT NULL,
    status          text        NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'CONSUMED', 'RELEASED', 'EXPIRED')),
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    CHECK ((status = 'OPEN') = (ended_at IS NULL)),
    CONSTRAINT reservation_key UNIQUE (user_id, idempotency_key)
);
CREATE INDEX reservation_due ON reservation (expires_at, id) WHERE status = 'OPEN';

CREATE TABLE reservation_line (
    reservation_id uuid     NOT NULL REFERENCES reservation (id),
    number         smallint NOT NULL,
    variant_id     uuid     NOT NULL REFERENCES variant (id),
    location_id    uuid, -- null for what exists once: its listing is reserved as a whole
    quantity       integer  NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (reservation_id, number),
    FOREIGN KEY (variant_id, location_id) REFERENCES stock (variant_id, location_id),
    CHECK (location_id IS NOT NULL OR quantity = 1)
);
CREATE INDEX reservation_line_variant ON reservation_line (variant_id, reservation_id);

-- +goose StatementBegin
CREATE FUNCTION reservation_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'OPEN' OR NEW.id <> OLD.id OR NEW.user_id <> OLD.user_id THEN
        RAISE EXCEPTION 'a reservation ends once' USING ERRCODE = 'SK413';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER reservation_guard BEFORE UPDATE OR DELETE ON reservation FOR EACH ROW EXECUTE FUNCTION reservation_guard();

-- A listing that exists once is RESERVED by a reservation until then, or by a lot, which is neither.
ALTER TABLE listing
    ADD COLUMN reserved_by    uuid REFERENCES reservation (id),
    ADD COLUMN reserved_until timestamptz,
    ADD CONSTRAINT listing_reserved CHECK ((reserved_by IS NULL) = (reserved_until IS NULL)),
    ADD CONSTRAINT listing_reserved_by CHECK (reserved_by IS NULL OR coalesce(hidden_from, status) = 'RESERVED');
CREATE INDEX listing_reserved ON listing (reserved_by) WHERE reserved_by IS NOT NULL;
CREATE OR REPLACE VIEW public_listing AS
SELECT l.* FROM listing l JOIN app_user u ON u.id = l.seller_id
WHERE l.status IN ('ACTIVE', 'RESERVED', 'SOLD', 'ENDED') AND l.published_at IS NOT NULL AND u.banned_at IS NULL;

-- Sets aside what a reservation that is there wants: listings first, then stock, each in the order of their ids, so that no two wait for
-- each other. Each is one conditional update: whoever reads before it may read what is gone, and takes nothing all the same.
-- A line without a location (all zeros) is of what exists once. Where one line is short nothing is taken, and the error's detail is its variant.
-- +goose StatementBegin
CREATE FUNCTION reservation_take(p_id uuid, p_variants uuid[], p_locations uuid[], p_quantities integer[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted record;
    until timestamptz := (SELECT expires_at FROM reservation WHERE id = p_id);
BEGIN
    FOR wanted IN
        SELECT w.variant, nullif(w.location, '00000000-0000-0000-0000-000000000000') AS location, w.quantity, w.number
        FROM unnest(p_variants, p_locations, p_quantities) WITH ORDINALITY AS w (variant, location, quantity, number)
        ORDER BY nullif(w.location, '00000000-0000-0000-0000-000000000000') IS NOT NULL, w.variant, w.location
    LOOP
        IF wanted.location IS NULL THEN
            -- What exists once has its variant under the listing's own id. Whose time is over has it no more.
            UPDATE listing SET status = 'RESERVED', reserved_by = p_id, reserved_until = until
            WHERE id = wanted.variant AND kind IN ('ONE_OFF', 'GIVEAWAY') AND price IS NOT NULL
              AND (status = 'ACTIVE' OR (status = 'RESERVED' AND reserved_until <= clock_timestamp()));
        ELSE
            UPDATE stock SET reserved = reserved + wanted.quantity
            WHERE variant_id = wanted.variant AND location_id = wanted.location AND on_hand - reserved >= wanted.quantity;
        END IF;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is not enough' USING ERRCODE = 'SK410', DETAIL = wanted.variant::text;
        END IF;
        INSERT INTO reservation_line (reservation_id, number, variant_id, location_id, quantity)
        VALUES (p_id, wanted.number, wanted.variant, wanted.location, wanted.quantity);
    END LOOP;
END $$;
-- +goose StatementEnd

-- Opens a reservation and takes its lines, in one round trip.
-- +goose StatementBegin
CREATE FUNCTION reservation_open(
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

-- Ends a reservation and gives back what it holds. False where it is not open, or where it is to EXPIRE and has time left.
-- +goose StatementBegin
CREATE FUNCTION reservation_free(p_id uuid, p_status text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line record;
BEGIN
    UPDATE reservation SET status = p_status, ended_at = clock_timestamp()
    WHERE id = p_id AND status = 'OPEN' AND (p_status = 'RELEASED' OR expires_at <= clock_timestamp());
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOR line IN
        SELECT * FROM reservation_line WHERE reservation_id = p_id ORDER BY location_id IS NOT NULL, variant_id, location_id
    LOOP
        IF line.location_id IS NULL THEN -- somebody else may have it by now
            UPDATE listing
            SET status = CASE status WHEN 'HIDDEN' THEN status ELSE 'ACTIVE' END, hidden_from = CASE status WHEN 'HIDDEN' THEN 'ACTIVE' END,
                reserved_by = NULL, reserved_until = NULL
            WHERE id = line.variant_id AND reserved_by = p_id;
        ELSE
            UPDATE stock SET reserved = reserved - line.quantity WHERE variant_id = line.variant_id AND location_id = line.location_id;
        END IF;
    END LOOP;
    RETURN true;
END $$;
-- +goose StatementEnd

-- Makes what a reservation holds its buyer's, in the transaction that pays for it. False where it is not open, or its time is over.
-- +goose StatementBegin
CREATE FUNCTION reservation_consume(p_id uuid) RETURNS boolean LANGUAGE plpgsql AS $$
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

-- +goose Down
DROP FUNCTION reservation_consume(uuid), reservation_free(uuid, text), reservation_open(uuid, uuid, text, bytea, double precision, uuid[], uuid[], integer[]),
    reservation_take(uuid, uuid[], uuid[], integer[]);
DROP VIEW public_listing;
ALTER TABLE listing DROP CONSTRAINT listing_reserved_by, DROP CONSTRAINT listing_reserved, DROP COLUMN reserved_by, DROP COLUMN reserved_until;
CREATE VIEW public_listing AS
SELECT l.* FROM listing l JOIN app_user u ON u.id = l.seller_id
WHERE l.status IN ('ACTIVE', 'RESERVED', 'SOLD', 'ENDED') AND l.published_at IS NOT NULL AND u.banned_at IS NULL;
DROP TABLE reservation_line, reservation;
DROP FUNCTION reservation_guard();
DROP TABLE stock_movement, stock, location;
DROP FUNCTION stock_movement_refuse(), stock_guard(), stock_move();
ALTER TABLE variant DROP CONSTRAINT variant_of_seller;
