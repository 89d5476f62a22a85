-- +goose Up
-- What a user gives to those whom they bring. One a user, made when it is first looked at.
CREATE TABLE referral_code (
    user_id    uuid        PRIMARY KEY REFERENCES app_user (id),
    code       text        NOT NULL UNIQUE CHECK (code ~ '^[2-9A-HJKMNP-TV-Z]{8}$'),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Who brought whom, and what came of it: WAITING for the referee's first purchase, then a commission that is PENDING
-- until the order can no longer be returned, and MATURED or CANCELLED in the end.
CREATE TABLE referral (
    id          uuid        PRIMARY KEY,
    referee_id  uuid        NOT NULL UNIQUE REFERENCES app_user (id), -- one referrer, for ever
    referrer_id uuid        NOT NULL REFERENCES app_user (id),
    code        text        NOT NULL REFERENCES referral_code (code),
    status      text        NOT NULL DEFAULT 'WAITING' CHECK (status IN ('WAITING', 'PENDING', 'MATURED', 'CANCELLED')),
    order_id    uuid        UNIQUE REFERENCES orders (id),
    amount      bigint      CHECK (amount > 0),
    currency    text        CHECK (currency ~ '^[A-Z]{3}$'),
    joined_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    pending_at  timestamptz,
    matures_at  timestamptz,
    resolved_at timestamptz,
    CHECK (referee_id <> referrer_id),
    CHECK (num_nonnulls(order_id, amount, currency, pending_at, matures_at) = CASE status WHEN 'WAITING' THEN 0 ELSE 5 END),
    CHECK ((status IN ('MATURED', 'CANCELLED')) = (resolved_at IS NOT NULL)),
    CHECK (matures_at > pending_at)
);
CREATE INDEX referral_referrer ON referral (referrer_id, joined_at DESC, id DESC);
CREATE INDEX referral_to_mature ON referral (id) WHERE status = 'PENDING';

-- Status only moves forward, who brought whom never changes, and a commission is fixed once it is pending.
-- +goose StatementBegin
CREATE FUNCTION referral_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.status = 'WAITING' THEN
        RETURN NEW;
    ELSIF TG_OP = 'UPDATE'
        AND (OLD.status, NEW.status) IN (('WAITING', 'PENDING'), ('PENDING', 'MATURED'), ('PENDING', 'CANCELLED'))
        AND (NEW.id, NEW.referee_id, NEW.referrer_id, NEW.code, NEW.joined_at)
            IS NOT DISTINCT FROM (OLD.id, OLD.referee_id, OLD.referrer_id, OLD.code, OLD.joined_at)
        AND (OLD.status = 'WAITING' OR (NEW.order_id, NEW.amount, NEW.currency, NEW.pending_at, NEW.matures_at)
            IS NOT DISTINCT FROM (OLD.order_id, OLD.amount, OLD.currency, OLD.pending_at, OLD.matures_at))
        AND (NEW.status <> 'MATURED' OR NEW.resolved_at >= NEW.matures_at)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a referral does not do this' USING ERRCODE = 'SK501';
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_guard BEFORE INSERT OR UPDATE OR DELETE ON referral
    FOR EACH ROW EXECUTE FUNCTION referral_guard();

-- +goose StatementBegin
CREATE FUNCTION referral_code_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a referral code is its user''s for ever' USING ERRCODE = 'SK501';
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_code_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON referral_code
    FOR EACH STATEMENT EXECUTE FUNCTION referral_code_refuse_change();

-- +goose Down
DROP TABLE referral;
DROP FUNCTION referral_guard();
DROP TABLE referral_code;
DROP FUNCTION referral_code_refuse_change();
