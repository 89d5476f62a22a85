-- What staff are to look at, and what they decide: docs/risk.md.

-- +goose Up
CREATE TABLE risk_review (
    check_id   uuid        PRIMARY KEY REFERENCES risk_check (id),
    user_id    uuid        NOT NULL REFERENCES app_user (id),
    checked_at timestamptz NOT NULL,
    status     text        NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'ALLOWED', 'REFUSED')),
    decided_by uuid        REFERENCES app_user (id),
    reason     text,
    decided_at timestamptz,
    undone_at  timestamptz, -- of what is refused: when all of its orders were asked to be cancelled
    CHECK (num_nulls(decided_by, reason, decided_at) = CASE status WHEN 'OPEN' THEN 3 ELSE 0 END),
    CHECK (undone_at IS NULL OR status <> 'OPEN')
);
CREATE INDEX risk_review_page ON risk_review (status, checked_at, check_id);
CREATE INDEX risk_review_refused ON risk_review (user_id) WHERE status = 'REFUSED';
CREATE INDEX risk_review_to_undo ON risk_review (decided_at, check_id) WHERE status = 'REFUSED' AND undone_at IS NULL;

-- The database makes the row, so that whatever is to be looked at is in the queue, whichever version of the server judged it.
-- +goose StatementBegin
CREATE FUNCTION risk_check_to_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO risk_review (check_id, user_id, checked_at) VALUES (NEW.id, NEW.user_id, NEW.checked_at);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER risk_check_to_review AFTER INSERT ON risk_check FOR EACH ROW WHEN (NEW.verdict = 'REVIEW') EXECUTE FUNCTION risk_check_to_review();
INSERT INTO risk_review (check_id, user_id, checked_at) SELECT id, user_id, checked_at FROM risk_check WHERE verdict = 'REVIEW' ON CONFLICT DO NOTHING;

-- Decided once, but that a refusal may be taken back.
-- +goose StatementBegin
CREATE FUNCTION risk_review_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.check_id, NEW.user_id, NEW.checked_at) IS DISTINCT FROM (OLD.check_id, OLD.user_id, OLD.checked_at)
        OR NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (('OPEN', 'ALLOWED'), ('OPEN', 'REFUSED'), ('REFUSED', 'ALLOWED'))
        OR NEW.status = OLD.status AND (NEW.decided_by, NEW.reason, NEW.decided_at) IS DISTINCT FROM (OLD.decided_by, OLD.reason, OLD.decided_at)
        OR OLD.undone_at IS NOT NULL AND NEW.undone_at IS DISTINCT FROM OLD.undone_at THEN
        RAISE EXCEPTION 'a review of risk goes from OPEN to ALLOWED or REFUSED, and from REFUSED to ALLOWED' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER risk_review_moves BEFORE UPDATE ON risk_review FOR EACH ROW EXECUTE FUNCTION risk_review_moves();
CREATE TRIGGER risk_review_refuse BEFORE DELETE OR TRUNCATE ON risk_review FOR EACH STATEMENT EXECUTE FUNCTION checkout_refuse();

-- +goose Down
DROP TRIGGER risk_check_to_review ON risk_check;
DROP FUNCTION risk_check_to_review;
DROP TABLE risk_review;
DROP FUNCTION risk_review_moves;
