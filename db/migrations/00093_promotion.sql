-- +goose Up
-- Coupons and automatic promotions: docs/promotions.md.
CREATE TABLE promotion (
    id                uuid        PRIMARY KEY,
    seller_id         uuid        REFERENCES app_user (id), -- who funds it; null: the platform
    code              text        CHECK (code ~ '^[A-Z0-9]{3,40}$'), -- normalised; null: it applies by itself
    title             text        NOT NULL CHECK (length(title) BETWEEN 1 AND 80),
    kind              text        NOT NULL CHECK (kind IN ('PERCENT', 'AMOUNT', 'FREE_SHIPPING')),
    basis_points      integer     CHECK (basis_points BETWEEN 1 AND 10000),
    amount            bigint      CHECK (amount > 0),
    most              bigint      CHECK (most > 0), -- that a share, or shipping, comes to
    currency          text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    minimum           bigint      NOT NULL CHECK (minimum >= 0), -- of what it covers, before promotions
    stackable         boolean     NOT NULL,
    seller_ids        uuid[]      NOT NULL, -- what it covers: where all three are empty, all there is
    listing_ids       uuid[]      NOT NULL,
    category_ids      uuid[]      NOT NULL,
    starts_at         timestamptz NOT NULL,
    ends_at           timestamptz,
    ended_at          timestamptz,
    max_uses          integer     CHECK (max_uses > 0),
    max_uses_per_user integer     CHECK (max_uses_per_user > 0),
    uses              integer     NOT NULL DEFAULT 0 CHECK (uses >= 0),
    budget            bigint      CHECK (budget > 0), -- the platform's: what is in its promo_budget in all
    spent             bigint      NOT NULL DEFAULT 0 CHECK (spent >= 0), -- of it, by uses that were not given back
    created_by        uuid        NOT NULL REFERENCES app_user (id),
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    idempotency_key   text        NOT NULL,
    request_hash      bytea       NOT NULL,
    CONSTRAINT promotion_key UNIQUE (created_by, idempotency_key),
    CHECK ((kind = 'PERCENT') = (basis_points IS NOT NULL)),
    CHECK ((kind = 'AMOUNT') = (amount IS NOT NULL)),
    CHECK (kind <> 'AMOUNT' OR most IS NULL),
    CHECK (ends_at > starts_at),
    CHECK ((seller_id IS NULL) = (budget IS NOT NULL)),
    CHECK (seller_id IS NULL OR seller_ids = '{}'),
    CHECK (uses <= max_uses),
    CHECK (spent <= budget)
);
-- A seller can't take a code from the platform, or from another.
CREATE UNIQUE INDEX promotion_code ON promotion (code, coalesce(seller_id, '00000000-0000-0000-0000-000000000000')) WHERE code IS NOT NULL;
CREATE INDEX promotion_automatic ON promotion (seller_id) WHERE code IS NULL AND ended_at IS NULL;
CREATE INDEX promotion_of_seller ON promotion (seller_id, created_at DESC, id DESC);

-- That a quote has a promotion: from then on it counts, until it is found that nothing came of the quote.
CREATE TABLE promotion_use (
    promotion_id  uuid        NOT NULL REFERENCES promotion (id),
    quote_id      uuid        NOT NULL,
    user_id       uuid        NOT NULL REFERENCES app_user (id),
    amount        bigint      NOT NULL CHECK (amount > 0),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    given_back_at timestamptz,
    PRIMARY KEY (promotion_id, quote_id)
);
CREATE INDEX promotion_use_counts ON promotion_use (promotion_id, user_id, created_at) WHERE given_back_at IS NULL;

-- How often somebody has asked for codes that there are not, in an hour that began with the first.
CREATE TABLE coupon_try (
    user_id uuid        PRIMARY KEY REFERENCES app_user (id),
    since   timestamptz NOT NULL,
    tries   integer     NOT NULL CHECK (tries >= 0)
);

-- +goose StatementBegin
CREATE FUNCTION promotion_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'promotions and their uses are kept' USING ERRCODE = 'SK450';
    END IF;
    IF TG_TABLE_NAME = 'promotion' THEN
        IF (to_jsonb(NEW) - '{ends_at,ended_at,max_uses,max_uses_per_user,uses,budget,spent}'::text[]) <> (to_jsonb(OLD) - '{ends_at,ended_at,max_uses,max_uses_per_user,uses,budget,spent}'::text[])
            OR NEW.budget < OLD.budget OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)
            OR (NEW.max_uses IS NULL) <> (OLD.max_uses IS NULL) OR (NEW.max_uses_per_user IS NULL) <> (OLD.max_uses_per_user IS NULL)
        THEN
            RAISE EXCEPTION 'a promotion''s terms are fixed' USING ERRCODE = 'SK450';
        END IF;
    ELSIF (to_jsonb(NEW) - 'given_back_at') <> (to_jsonb(OLD) - 'given_back_at') OR OLD.given_back_at IS NOT NULL THEN
        RAISE EXCEPTION 'a use of a promotion is given back once' USING ERRCODE = 'SK450';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER promotion_guard BEFORE UPDATE OR DELETE ON promotion FOR EACH ROW EXECUTE FUNCTION promotion_guard();
CREATE TRIGGER promotion_use_guard BEFORE UPDATE OR DELETE ON promotion_use FOR EACH ROW EXECUTE FUNCTION promotion_guard();

-- Gives back the uses of a promotion, locked by the caller, that nothing came of: their quote ran out or was given up, or all orders that have
-- the promotion were cancelled, within two days. It locks the reservations first, and looks at them in a statement of its own: what
-- is being confirmed meanwhile is passed by.
-- +goose StatementBegin
CREATE FUNCTION promotion_sweep(p_promotion uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    still uuid[];
BEGIN
    still := ARRAY(
        SELECT r.id FROM promotion_use u JOIN quote q ON q.id = u.quote_id JOIN reservation r ON r.id = q.reservation_id
        WHERE u.promotion_id = p_promotion AND u.given_back_at IS NULL AND u.created_at > clock_timestamp() - interval '2 days'
        ORDER BY r.id FOR UPDATE OF r SKIP LOCKED);
    WITH back AS (
        UPDATE promotion_use u SET given_back_at = clock_timestamp()
        FROM quote q JOIN reservation r ON r.id = q.reservation_id
        WHERE u.promotion_id = p_promotion AND u.given_back_at IS NULL AND q.id = u.quote_id AND r.id = ANY (still) AND CASE r.status
            WHEN 'OPEN' THEN r.expires_at <= clock_timestamp()
            WHEN 'CONSUMED' THEN NOT EXISTS (
                SELECT FROM quote_charge c JOIN quote_group g ON g.quote_id = c.quote_id AND g.number = c.group_number JOIN orders o ON o.id = g.order_id
                WHERE c.quote_id = q.id AND c.promotion_id = p_promotion AND NOT (o.fulfilment = 'CANCELLED' AND o.payment IN ('VOIDED', 'REFUNDED')))
            ELSE true END
        RETURNING u.amount
    )
    UPDATE promotion SET uses = uses - (SELECT count(*) FROM back), spent = CASE WHEN budget IS NULL THEN 0 ELSE spent - (SELECT coalesce(sum(amount), 0) FROM back) END
    WHERE id = p_promotion;
END $$;
-- +goose StatementEnd

-- Takes one use of a promotion for a quote that is about to be written: null, or why not. The promotion's row is the lock that its limits are held by;
-- where one is reached, uses that nothing came of are given back first.
-- +goose StatementBegin
CREATE FUNCTION promotion_take(p_promotion uuid, p_quote uuid, p_user uuid, p_amount bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    p     promotion;
    short text;
BEGIN
    FOR try IN 1..2 LOOP
        SELECT * INTO p FROM promotion WHERE id = p_promotion FOR NO KEY UPDATE;
        short := CASE
            WHEN p.ended_at IS NOT NULL OR p.ends_at <= clock_timestamp() THEN 'ENDED'
            WHEN p.uses >= p.max_uses OR p.spent + p_amount > p.budget THEN 'USED_UP'
            WHEN (SELECT count(*) FROM promotion_use u WHERE u.promotion_id = p_promotion AND u.user_id = p_user AND u.given_back_at IS NULL) >= p.max_uses_per_user THEN 'USED_BY_USER'
            END;
        EXIT WHEN short IS NULL OR short = 'ENDED' OR try = 2;
        PERFORM promotion_sweep(p_promotion);
    END LOOP;
    IF short IS NULL THEN
        INSERT INTO promotion_use (promotion_id, quote_id, user_id, amount) VALUES (p_promotion, p_quote, p_user, p_amount);
        UPDATE promotion SET uses = uses + 1, spent = CASE WHEN budget IS NULL THEN 0 ELSE spent + p_amount END WHERE id = p_promotion;
    END IF;
    RETURN short;
END $$;
-- +goose StatementEnd

-- What a charge is called: a promotion's title, a tax's rate.
ALTER TABLE quote_charge ADD COLUMN label text NOT NULL DEFAULT '', ADD FOREIGN KEY (promotion_id) REFERENCES promotion (id);
ALTER TABLE order_charge ADD COLUMN label text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE order_charge DROP COLUMN label;
ALTER TABLE quote_charge DROP COLUMN label, DROP CONSTRAINT quote_charge_promotion_id_fkey;
DROP FUNCTION promotion_take(uuid, uuid, uuid, bigint);
DROP FUNCTION promotion_sweep(uuid);
DROP TABLE coupon_try, promotion_use, promotion;
DROP FUNCTION promotion_guard();
