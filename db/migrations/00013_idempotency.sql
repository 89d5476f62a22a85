-- +goose Up
-- What a mutation that moves money answered, by its user and their idempotency key. The row is there before the
-- mutation runs, as a claim; the answer follows. It may be deleted when it is old: what keeps money from moving
-- twice is the domain's own row. No foreign key to the user, whose row each bid would lock.
CREATE TABLE idempotency_answer (
    user_id        uuid        NOT NULL,
    operation      text        NOT NULL CHECK (length(operation) BETWEEN 1 AND 100), -- the mutation's name
    key            text        NOT NULL CHECK (key ~ '^[ -~]{1,255}$'),
    input_hash     bytea       NOT NULL CHECK (length(input_hash) = 32),
    selection_hash bytea       NOT NULL CHECK (length(selection_hash) = 32), -- of the fields that the answer has
    claim          uuid        NOT NULL, -- who may run it, until locked_until
    locked_until   timestamptz NOT NULL,
    answer         bytea       CHECK (length(answer) <= 65536), -- JSON, as it was sent; NULL: none was kept
    refusals       jsonb,      -- the answer's userErrors with all their fields; NULL: it was done
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    answered_at    timestamptz,
    PRIMARY KEY (user_id, operation, key),
    CHECK ((answer IS NULL) = (answered_at IS NULL)),
    CHECK (refusals IS NULL OR answer IS NOT NULL)
);
CREATE INDEX idempotency_answer_age ON idempotency_answer (created_at);

-- The first answer stays, whoever comes later; and a key never changes its input.
-- +goose StatementBegin
CREATE FUNCTION idempotency_answer_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a key has one input and one answer' USING ERRCODE = 'SK301';
END $$;
-- +goose StatementEnd
CREATE TRIGGER idempotency_answer_refuse_change BEFORE UPDATE ON idempotency_answer FOR EACH ROW
    WHEN (OLD.answer IS NOT NULL OR OLD.input_hash IS DISTINCT FROM NEW.input_hash)
    EXECUTE FUNCTION idempotency_answer_refuse_change();

-- +goose Down
DROP TABLE idempotency_answer;
DROP FUNCTION idempotency_answer_refuse_change();
