-- The trigger proves what the CHECKs of the hot tables did. A CHECK is parsed anew by each statement that writes to its table:
-- together they cost as much as the trigger. docs/ledger.md, "What it costs", has the numbers.

-- +goose Up
SET ROLE souk_ledger;

-- What an entry's own columns must be, and a posting's. Each is one expression, which becomes part of the statement that
-- asks; that needs LANGUAGE sql and no SET.
CREATE FUNCTION ledger.is_entry(key text, request_hash bytea, flow text, cause_kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT length(key) BETWEEN 1 AND 200 AND octet_length(request_hash) = 32
       AND length(flow) BETWEEN 2 AND 40 AND btrim(flow, 'abcdefghijklmnopqrstuvwxyz_') = ''
       AND length(cause_kind) BETWEEN 2 AND 40 AND btrim(cause_kind, 'abcdefghijklmnopqrstuvwxyz_') = ''
$$;
CREATE FUNCTION ledger.is_leg(amount bigint, seq bigint, balance bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT amount <> 0 AND (seq IS NULL) = (balance IS NULL) AND (seq IS NULL OR seq > 0)
$$;

REVOKE ALL ON FUNCTION ledger.is_entry, ledger.is_leg FROM PUBLIC;

-- As in 00020, and what the CHECKs were for. What comes nearly always, one entry in one currency that is in order, is seen to be so
-- in one pass over few aggregates; legs that sum to zero and are not zero are at least two. Anything else is looked at
-- entry by entry: each condition of the pass is one of those below as well.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger.check_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sound boolean;
    n     record;
BEGIN
    SELECT (SELECT bool_and(a.entry_id = f.entry_id AND a.currency = f.currency AND a.xid = pg_current_xact_id()
                            AND ledger.is_leg(a.amount, a.seq, a.balance)
                            AND a.currency IS NOT DISTINCT FROM (SELECT o.currency FROM ledger.account o WHERE o.id = a.account_id))
                   AND sum(a.amount) = 0 AND count(*) <= 1000
                   AND count(*) = (SELECT count(*) FROM ledger.posting p WHERE p.entry_id = f.entry_id)
            FROM added a)
       AND (SELECT e.xid = pg_current_xact_id() AND e.reverses IS NULL AND ledger.is_entry(e.key, e.request_hash, e.flow, e.cause_kind)
            FROM ledger.entry e WHERE e.id = f.entry_id)
    INTO sound
    FROM (SELECT entry_id, currency FROM added LIMIT 1) f;
    IF sound THEN
        RETURN NULL;
    END IF;

    FOR n IN
        SELECT s.entry_id AS id, e.reverses, e.whole, s.legs, s.unbalanced, s.stray, s.formed,
               e.xid = pg_current_xact_id() AND s.ours
               AND s.legs = (SELECT count(*) FROM ledger.posting p WHERE p.entry_id = s.entry_id) AS fresh
        FROM (SELECT c.entry_id, sum(c.legs) AS legs, bool_and(c.ours) AS ours, min(c.stray) AS stray,
                     bool_and(c.formed) AS formed, min(c.currency) FILTER (WHERE c.total <> 0) AS unbalanced
              FROM (SELECT a.entry_id, a.currency, sum(a.amount) AS total, count(*) AS legs,
                           bool_and(a.xid = pg_current_xact_id()) AS ours, bool_and(ledger.is_leg(a.amount, a.seq, a.balance)) AS formed,
                           min(a.account_id) FILTER (WHERE a.currency IS DISTINCT FROM (
                               SELECT o.currency FROM ledger.account o WHERE o.id = a.account_id)) AS stray
                    FROM added a GROUP BY a.entry_id, a.currency) c
              GROUP BY c.entry_id) s
        LEFT JOIN LATERAL (SELECT reverses, xid, ledger.is_entry(key, request_hash, flow, cause_kind) AS whole
                           FROM ledger.entry WHERE id = s.entry_id OFFSET 0) e ON true
    LOOP
        IF n.fresh IS NOT TRUE THEN
            RAISE EXCEPTION 'entry % is closed or does not exist: postings come with their entry, in one statement', n.id USING ERRCODE = 'SL006';
        END IF;
        IF n.whole IS NOT TRUE OR n.formed IS NOT TRUE THEN
            RAISE EXCEPTION 'entry % or one of its legs has a part that cannot be', n.id USING ERRCODE = 'check_violation';
        END IF;
        IF n.stray IS NOT NULL THEN
            RAISE EXCEPTION 'entry % has a leg in a currency that account % does not have', n.id, n.stray USING ERRCODE = 'SL012';
        END IF;
        IF n.legs NOT BETWEEN 2 AND 1000 THEN
            RAISE EXCEPTION 'entry % has % legs: it may have 2 to 1000', n.id, n.legs USING ERRCODE = 'SL005';
        END IF;
        IF n.unbalanced IS NOT NULL THEN
            RAISE EXCEPTION 'entry % does not sum to zero in %', n.id, n.unbalanced USING ERRCODE = 'SL004';
        END IF;
        IF n.reverses >= n.id OR n.reverses IS NOT NULL AND EXISTS (
            SELECT FROM (SELECT account_id, amount FROM added WHERE entry_id = n.id) a
            FULL JOIN (SELECT account_id, amount FROM ledger.posting WHERE entry_id = n.reverses) o USING (account_id)
            WHERE a.amount IS DISTINCT FROM -o.amount)
        THEN
            RAISE EXCEPTION 'entry % is not the negation of entry %', n.id, n.reverses USING ERRCODE = 'SL011';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
-- +goose StatementEnd

ALTER TABLE ledger.entry
    DROP CONSTRAINT entry_key_check, DROP CONSTRAINT entry_request_hash_check, DROP CONSTRAINT entry_flow_check,
    DROP CONSTRAINT entry_cause_kind_check, DROP CONSTRAINT entry_check;
ALTER TABLE ledger.posting
    DROP CONSTRAINT posting_amount_check, DROP CONSTRAINT posting_seq_check, DROP CONSTRAINT posting_check;
-- A balance's number is its last posting's: see is_leg(), and the audit's account_projection.
ALTER TABLE ledger.balance DROP CONSTRAINT balance_seq_check;
RESET ROLE;

-- +goose Down
-- The trigger stays: it refuses what the one before it did.
ALTER TABLE ledger.entry
    ADD CONSTRAINT entry_key_check CHECK (length(key) BETWEEN 1 AND 200),
    ADD CONSTRAINT entry_request_hash_check CHECK (octet_length(request_hash) = 32),
    ADD CONSTRAINT entry_flow_check CHECK (flow ~ '^[a-z][a-z_]{1,39}$'),
    ADD CONSTRAINT entry_cause_kind_check CHECK (cause_kind ~ '^[a-z][a-z_]{1,39}$'),
    ADD CONSTRAINT entry_check CHECK (reverses < id);
ALTER TABLE ledger.posting
    ADD CONSTRAINT posting_amount_check CHECK (amount <> 0),
    ADD CONSTRAINT posting_seq_check CHECK (seq > 0),
    ADD CONSTRAINT posting_check CHECK ((seq IS NULL) = (balance IS NULL));
ALTER TABLE ledger.balance ADD CONSTRAINT balance_seq_check CHECK (seq >= 0);
