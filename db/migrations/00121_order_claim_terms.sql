-- Claims that nobody answers: docs/order-life.md#problems-and-returns.

-- +goose Up
ALTER TABLE order_claim ADD COLUMN due_at timestamptz; -- when its next step comes by itself; null where it is ended

-- Those that are open have all of their time from now on.
UPDATE order_claim SET due_at = clock_timestamp() + CASE status WHEN 'OPEN' THEN interval '3 days' ELSE interval '14 days' END WHERE ended_at IS NULL;
ALTER TABLE order_claim ADD CONSTRAINT order_claim_due CHECK ((ended_at IS NULL) = (due_at IS NOT NULL));
CREATE INDEX order_claim_due_at ON order_claim (due_at, order_id) WHERE ended_at IS NULL;

-- Each status has a term, also by servers of the version before, which don't know of it.
-- +goose StatementBegin
CREATE FUNCTION order_claim_term() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.ended_at IS NOT NULL THEN
        NEW.due_at := NULL;
    ELSIF NEW.due_at IS NULL OR TG_OP = 'UPDATE' AND NEW.status <> OLD.status AND NEW.due_at = OLD.due_at THEN
        NEW.due_at := clock_timestamp() + CASE NEW.status WHEN 'OPEN' THEN interval '3 days' ELSE interval '14 days' END;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_claim_term BEFORE INSERT OR UPDATE ON order_claim FOR EACH ROW EXECUTE FUNCTION order_claim_term();

-- +goose Down
DROP TRIGGER order_claim_term ON order_claim;
DROP FUNCTION order_claim_term();
ALTER TABLE order_claim DROP COLUMN due_at;
