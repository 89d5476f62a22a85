-- +goose Up
-- What somebody of the platform did with a privilege: who, what, on what and why. Written in the transaction that
-- did it, so that neither is without the other.
CREATE TABLE admin_action (
    id       uuid        PRIMARY KEY,
    actor_id uuid        NOT NULL REFERENCES app_user (id),
    action   text        NOT NULL CHECK (action ~ '^[A-Z][A-Z_]{1,39}$'),
    subject  text        NOT NULL CHECK (length(subject) BETWEEN 1 AND 100), -- an id of the API, or an entry of the ledger: entry 123
    reason   text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX admin_action_at ON admin_action (at DESC, id DESC);

-- A comparison of our books with a provider's own records, once it is finished. Records younger than the cut that only
-- one side has are pending, not different.
CREATE TABLE reconciliation_run (
    id               uuid        PRIMARY KEY,
    provider         text        NOT NULL CHECK (provider ~ '^[a-z]{2,20}$'),
    since            timestamptz,                                    -- of the provider's records; all where it is null
    cut              timestamptz NOT NULL,
    started_at       timestamptz NOT NULL,
    finished_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    provider_records bigint      NOT NULL CHECK (provider_records >= 0),
    our_records      bigint      NOT NULL CHECK (our_records >= 0),
    pending          bigint      NOT NULL CHECK (pending >= 0),
    differences      bigint      NOT NULL CHECK (differences >= 0)   -- all; the first of each kind are kept
);
CREATE INDEX reconciliation_run_at ON reconciliation_run (finished_at DESC, id DESC);

CREATE TABLE reconciliation_difference (
    run_id      uuid   NOT NULL REFERENCES reconciliation_run (id),
    number      bigint NOT NULL CHECK (number > 0), -- from 1 in the run
    kind        text   NOT NULL CHECK (kind ~ '^[A-Z][A-Z_]{1,39}$'),
    provider_id text,                               -- the provider's record
    entry_key   text,                               -- of our entry
    entry_id    bigint,
    currency    text   NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    theirs      bigint,                             -- the amount at the provider, where there is one
    ours        bigint,
    detail      text   NOT NULL,
    PRIMARY KEY (run_id, number)
);

-- What was done and what was found stay as they were written.
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: it only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = 'SK301';
END $$;
-- +goose StatementEnd
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON admin_action
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON reconciliation_run
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON reconciliation_difference
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Staff look at all accounts of a kind (kind COLLATE "C" = …): a page costs the same however rare the kind is. With the
-- column's own collation post() could use it too, and does while the tables are small: it would read all accounts of a kind.
SET ROLE souk_ledger;
CREATE INDEX account_kind_idx ON ledger.account (kind COLLATE "C", id);
RESET ROLE;

-- +goose Down
DROP INDEX ledger.account_kind_idx;
DROP TABLE reconciliation_difference;
DROP TABLE reconciliation_run;
DROP TABLE admin_action;
DROP FUNCTION refuse_change();
