-- +goose Up
-- Flash sales and their waiting rooms: docs/flash-sales.md.
CREATE TABLE flash_sale (
    id               uuid        PRIMARY KEY,
    listing_id       uuid        NOT NULL,
    seller_id        uuid        NOT NULL,
    mode             text        NOT NULL CHECK (mode IN ('FIFO', 'LOTTERY')),
    starts_at        timestamptz NOT NULL,
    ends_at          timestamptz NOT NULL,
    admit_per_minute integer     NOT NULL CHECK (admit_per_minute BETWEEN 1 AND 600000),
    per_buyer        integer     NOT NULL CHECK (per_buyer BETWEEN 1 AND 1000),
    commitment       bytea       NOT NULL CHECK (length(commitment) = 32), -- sha256 of the seed, published from the beginning
    seed             bytea       NOT NULL CHECK (length(seed) = 32),       -- published with the draw
    joined           bigint      NOT NULL DEFAULT 0,
    admitted         bigint      NOT NULL DEFAULT 0, -- whose number is at most this may come in
    turned_at        timestamptz NOT NULL,           -- up to when admission has used its rate
    drawn_at         timestamptz,
    cancelled_at     timestamptz,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (ends_at > starts_at),
    CHECK (admitted BETWEEN 0 AND joined),
    FOREIGN KEY (listing_id, seller_id) REFERENCES listing (id, seller_id)
);
CREATE INDEX flash_sale_of_listing ON flash_sale (listing_id, starts_at) WHERE cancelled_at IS NULL;
CREATE INDEX flash_sale_running ON flash_sale (ends_at) WHERE cancelled_at IS NULL;

CREATE TABLE flash_place (
    sale_id        uuid        NOT NULL REFERENCES flash_sale (id),
    user_id        uuid        NOT NULL REFERENCES app_user (id),
    number         bigint, -- from 1; null until the draw of a lottery
    joined_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    reservation_id uuid REFERENCES reservation (id), -- what they used their place for, once
    taken          integer     NOT NULL DEFAULT 0 CHECK (taken >= 0),
    PRIMARY KEY (sale_id, user_id),
    CONSTRAINT flash_place_number UNIQUE (sale_id, number),
    CHECK ((reservation_id IS NULL) = (taken = 0))
);

-- A number that was given stays, and so does what it was used for; what was admitted is never taken back.
-- +goose StatementBegin
CREATE FUNCTION flash_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER flash_sale_guard BEFORE UPDATE OR DELETE ON flash_sale FOR EACH ROW EXECUTE FUNCTION flash_guard();
CREATE TRIGGER flash_place_guard BEFORE UPDATE OR DELETE ON flash_place FOR EACH ROW EXECUTE FUNCTION flash_guard();

-- Gives each of those users a place who has none, in their order, under the sale's lock: numbers have no gap. A lottery gives numbers
-- with its draw, after which nobody joins.
-- +goose StatementBegin
CREATE FUNCTION flash_join(p_sale uuid, p_users uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    sale flash_sale;
    fresh bigint;
BEGIN
    SELECT * INTO sale FROM flash_sale WHERE id = p_sale FOR UPDATE;
    IF sale.cancelled_at IS NOT NULL OR sale.ends_at <= clock_timestamp() OR sale.drawn_at IS NOT NULL
        OR (sale.mode = 'LOTTERY' AND sale.starts_at <= clock_timestamp())
    THEN
        RETURN;
    END IF;
    INSERT INTO flash_place (sale_id, user_id, number)
    SELECT p_sale, n.user_id, CASE sale.mode WHEN 'FIFO' THEN sale.joined + row_number() OVER (ORDER BY n.at) END
    FROM (SELECT DISTINCT ON (u.user_id) u.user_id, u.at FROM unnest(p_users) WITH ORDINALITY AS u (user_id, at) ORDER BY u.user_id, u.at) n
    WHERE NOT EXISTS (SELECT 1 FROM flash_place p WHERE p.sale_id = p_sale AND p.user_id = n.user_id);
    GET DIAGNOSTICS fresh = ROW_COUNT;
    UPDATE flash_sale SET joined = sale.joined + fresh WHERE id = p_sale AND fresh > 0;
END $$;
-- +goose StatementEnd

-- Draws a lottery's numbers: in the order of sha256(seed, user). False where it is drawn, or its time has not come.
-- +goose StatementBegin
CREATE FUNCTION flash_draw(p_sale uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    sale flash_sale;
BEGIN
    SELECT * INTO sale FROM flash_sale WHERE id = p_sale FOR UPDATE;
    IF sale.mode <> 'LOTTERY' OR sale.drawn_at IS NOT NULL OR sale.cancelled_at IS NOT NULL OR sale.starts_at > clock_timestamp() THEN
        RETURN false;
    END IF;
    UPDATE flash_place p SET number = d.number
    FROM (SELECT user_id, row_number() OVER (ORDER BY sha256(sale.seed || uuid_send(user_id))) AS number FROM flash_place WHERE sale_id = p_sale) d
    WHERE p.sale_id = p_sale AND p.user_id = d.user_id;
    UPDATE flash_sale SET drawn_at = clock_timestamp() WHERE id = p_sale;
    RETURN true;
END $$;
-- +goose StatementEnd

-- Admits up to a number, but never more than the rate allows since the last turn: whoever asks, and however many do. What was not used
-- is gone after a second, or after the time of one admission where that is longer. Gives up to which number all are admitted.
-- +goose StatementBegin
CREATE FUNCTION flash_admit(p_sale uuid, p_upto bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    sale flash_sale;
    passed double precision;
    n bigint;
    at timestamptz;
BEGIN
    SELECT * INTO sale FROM flash_sale WHERE id = p_sale FOR UPDATE;
    at := clock_timestamp();
    IF sale.cancelled_at IS NOT NULL OR at < sale.starts_at OR at >= sale.ends_at OR (sale.mode = 'LOTTERY' AND sale.drawn_at IS NULL) THEN
        RETURN sale.admitted;
    END IF;
    passed := least(extract(epoch FROM at - sale.turned_at), greatest(1, 60.0 / sale.admit_per_minute));
    n := least(p_upto, sale.joined, sale.admitted + floor(passed * sale.admit_per_minute / 60 + 1e-6)::bigint) - sale.admitted;
    IF n <= 0 THEN
        RETURN sale.admitted;
    END IF;
    UPDATE flash_sale SET admitted = sale.admitted + n, turned_at = at - make_interval(secs => greatest(passed - n * 60.0 / sale.admit_per_minute, 0))
    WHERE id = p_sale;
    RETURN sale.admitted + n;
END $$;
-- +goose StatementEnd

-- While a sale runs, what is reserved of its listing is a place's: of somebody who was admitted, in one reservation, and no more than the
-- sale's limit. Whoever reserves, by whatever way.
-- +goose StatementBegin
CREATE FUNCTION flash_take() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER flash_take BEFORE INSERT ON reservation_line FOR EACH ROW EXECUTE FUNCTION flash_take();

-- +goose Down
DROP TRIGGER flash_take ON reservation_line;
DROP FUNCTION flash_take(), flash_admit(uuid, bigint), flash_draw(uuid), flash_join(uuid, uuid[]);
DROP TABLE flash_place, flash_sale;
DROP FUNCTION flash_guard();
