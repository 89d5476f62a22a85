-- The guarantees of before for less. docs/ledger.md, "What it costs", tells what each part costs.

-- +goose Up
SET ROLE souk_ledger;

-- Neither is needed, and each is a question in every entry. A reversal's original is compared leg by leg by the trigger, which refuses
-- one that does not exist; an account's balance is made with the account or by post(), which has looked it up. Accounts
-- and entries are never deleted.
ALTER TABLE ledger.entry DROP CONSTRAINT entry_reverses_fkey;
ALTER TABLE ledger.balance DROP CONSTRAINT balance_account_id_fkey;

-- As in 00032, without the lengths of the two names, which are constants of the program.
CREATE OR REPLACE FUNCTION ledger.is_entry(key text, request_hash bytea, flow text, cause_kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT key <> '' AND length(key) <= 200 AND octet_length(request_hash) = 32
       AND flow || ' ' || cause_kind ~ '^[a-z_][a-z_]+ [a-z_][a-z_]+$'
$$;

-- Tells why a balance was refused: post() gives a leg that would leave its account outside its limits a number and no balance. That is said last: what is
-- wrong with the entry itself is the first reason, a frozen wallet the next.
DROP FUNCTION ledger.refuse_balance;
-- +goose StatementBegin
CREATE FUNCTION ledger.refuse_balance(p_entry bigint, p_account bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a       ledger.account;
    moved   bigint;
    balance bigint;
    below   boolean;
BEGIN
    PERFORM ledger.refuse_frozen(e.flow, l.kinds, l.owners, l.amounts)
    FROM ledger.entry e
    CROSS JOIN LATERAL (SELECT array_agg(o.kind) AS kinds, array_agg(o.owner) AS owners, array_agg(p.amount) AS amounts
                        FROM ledger.posting p JOIN ledger.account o ON o.id = p.account_id WHERE p.entry_id = e.id) l
    WHERE e.id = p_entry;
    SELECT * INTO a FROM ledger.account WHERE id = p_account;
    SELECT p.amount, b.balance INTO moved, balance
    FROM ledger.posting p JOIN ledger.balance b ON b.account_id = p.account_id
    WHERE p.entry_id = p_entry AND p.account_id = p_account;
    below := balance < a.floor IS TRUE;
    IF NOT below AND (balance > a.ceiling) IS NOT TRUE THEN
        RAISE EXCEPTION 'entry % has a leg without its balance', p_entry USING ERRCODE = 'check_violation';
    END IF;
    RAISE EXCEPTION 'account % may not go %', a.id, CASE WHEN below THEN 'below its floor' ELSE 'above its ceiling' END
    USING ERRCODE = CASE WHEN below THEN 'SL002' ELSE 'SL003' END,
          DETAIL = jsonb_build_object(
              'kind', a.kind, 'owner', a.owner, 'ref', a.ref, 'currency', a.currency,
              'balance', balance::numeric - moved, 'amount', moved, 'floor', a.floor, 'ceiling', a.ceiling);
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION ledger.refuse_balance FROM PUBLIC;

-- As in 00032. Whether something is appended to an entry that has its postings already is seen without reading them: entries are numbered in
-- the order of their making, and souk.last_entry is the highest that this transaction has posted, which goes back with a
-- savepoint and ends with the transaction. An entry above it has none. One that is not, is looked at in full: so a wrong value costs
-- time, and to write a lower one, and then use it, takes who may insert postings, so who may drop the trigger as well.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger.check_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sound boolean;
    last  bigint;
    n     record;
BEGIN
    SELECT e.xid = pg_current_xact_id() AND e.reverses IS NULL AND ledger.is_entry(e.key, e.request_hash, e.flow, e.cause_kind)
       AND e.id > coalesce(nullif(current_setting('souk.last_entry', true), ''), '0')::bigint
       AND (SELECT bool_and(a.entry_id = e.id AND a.currency = (SELECT currency FROM added LIMIT 1) AND a.xid = e.xid
                            AND ledger.is_leg(a.amount, a.seq, a.balance)
                            AND a.currency IS NOT DISTINCT FROM (SELECT o.currency FROM ledger.account o WHERE o.id = a.account_id))
                   AND sum(a.amount) = 0 AND count(*) <= 1000
            FROM added a)
       AND set_config('souk.last_entry', e.id::text, true) <> ''
    INTO sound
    FROM ledger.entry e
    WHERE e.id = (SELECT entry_id FROM added LIMIT 1);
    IF sound THEN
        RETURN NULL;
    END IF;

    last := nullif(current_setting('souk.last_entry', true), '');
    FOR n IN
        SELECT s.entry_id AS id, e.reverses, e.whole, s.legs, s.unbalanced, s.stray, s.formed,
               s.refused, e.xid = pg_current_xact_id() AND s.ours
               AND s.legs = (SELECT count(*) FROM ledger.posting p WHERE p.entry_id = s.entry_id) AS fresh
        FROM (SELECT c.entry_id, sum(c.legs) AS legs, bool_and(c.ours) AS ours, min(c.stray) AS stray,
                     bool_and(c.formed) AS formed, min(c.refused) AS refused, min(c.currency) FILTER (WHERE c.total <> 0) AS unbalanced
              FROM (SELECT a.entry_id, a.currency, sum(a.amount) AS total, count(*) AS legs,
                           bool_and(a.xid = pg_current_xact_id()) AS ours,
                           bool_and(ledger.is_leg(a.amount, a.seq, CASE WHEN a.seq IS NULL THEN a.balance ELSE 0 END)) AS formed,
                           min(a.account_id) FILTER (WHERE a.seq IS NOT NULL AND a.balance IS NULL) AS refused,
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
        IF n.refused IS NOT NULL THEN
            PERFORM ledger.refuse_balance(n.id, n.refused);
        END IF;
        last := greatest(last, n.id);
    END LOOP;
    IF last IS NOT NULL THEN -- NULL after a statement that inserted nothing
        PERFORM set_config('souk.last_entry', last::text, true);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- As in 00032; the trigger tells why a balance is refused. Posts one entry, all of it or nothing. To be called last in its
-- transaction. The same key with the same hash answers the first entry; with another hash it is refused.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger.post(
    p_key text, p_hash bytea, p_flow text, p_cause_kind text, p_cause_id uuid,
    p_kinds text[], p_owners uuid[], p_refs text[], p_currencies text[], p_amounts bigint[],
    p_reverses bigint DEFAULT NULL,
    OUT entry_id bigint, OUT replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp
-- A session keeps the plans it made first. Made while the tables were small they would scan them whole, and
-- go on doing so as the tables grow. So there are no joins with the ledger's tables here and in the trigger that
-- a planner could turn round, only look-ups for each leg, and each has its index. Nor is a plan made for each call's
-- arrays, which would always look a little cheaper and never be kept. docs/ledger.md has the numbers.
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    known bytea;
BEGIN
    IF (cardinality(p_amounts) BETWEEN 2 AND 1000) IS NOT TRUE THEN
        RAISE EXCEPTION 'an entry has 2 to 1000 legs' USING ERRCODE = 'SL005';
    END IF;

    -- The key first: whoever comes second with it waits here, before it holds any account.
    INSERT INTO ledger.entry (key, request_hash, flow, cause_kind, cause_id, reverses)
    VALUES (p_key, p_hash, p_flow, p_cause_kind, p_cause_id, p_reverses)
    ON CONFLICT DO NOTHING RETURNING id INTO entry_id;
    replayed := entry_id IS NULL;
    IF replayed THEN
        SELECT e.id, e.request_hash INTO entry_id, known FROM ledger.entry e WHERE e.key = p_key;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'entry % is reversed already', p_reverses USING ERRCODE = 'SL008';
        ELSIF known <> p_hash THEN
            RAISE EXCEPTION 'key % was used for another request', p_key USING ERRCODE = 'SL001';
        END IF;
        RETURN;
    END IF;

    -- One statement finds the accounts, locks and moves their balances, and posts. The balances are taken one by one as the
    -- sorted accounts come, which is the order of locks; ON CONFLICT waits for whoever has the row, and goes on from the
    -- newest balance. A leg without its account or without all its parts stops all of them, before anything is locked or
    -- written: who waits for an account that another makes must hold no balance that the other may want.
    LOOP
        WITH named AS MATERIALIZED (
            SELECT a.id, a.mode, a.floor, a.ceiling, n.currency, n.amount
            FROM unnest(p_kinds, p_owners, p_refs, p_currencies, p_amounts) AS n (kind, owner, ref, currency, amount)
            LEFT JOIN LATERAL (SELECT * FROM ledger.account
                WHERE owner = n.owner AND kind = n.kind AND currency = n.currency AND ref = n.ref OFFSET 0) a ON true
        ), leg AS MATERIALIZED (
            SELECT * FROM named WHERE NOT EXISTS (SELECT FROM named WHERE id IS NULL OR amount IS NULL) ORDER BY id
        ), moved AS (
            INSERT INTO ledger.balance AS b (account_id, balance, seq) SELECT id, amount, 1 FROM leg WHERE mode = 'guarded'
            ON CONFLICT (account_id) DO UPDATE SET balance = b.balance + EXCLUDED.balance, seq = b.seq + 1
            RETURNING account_id, balance, seq
        )
        INSERT INTO ledger.posting (entry_id, account_id, currency, amount, seq, balance)
        SELECT post.entry_id, l.id, l.currency, l.amount, m.seq,
               CASE WHEN m.balance < l.floor OR m.balance > l.ceiling THEN NULL ELSE m.balance END -- NULL is refused by the trigger
        FROM leg l LEFT JOIN moved m ON m.account_id = l.id;
        EXIT WHEN FOUND;
        IF cardinality(p_kinds) <> cardinality(p_amounts) OR cardinality(p_owners) <> cardinality(p_amounts)
           OR cardinality(p_refs) <> cardinality(p_amounts) OR cardinality(p_currencies) <> cardinality(p_amounts)
           OR array_position(p_amounts, NULL) IS NOT NULL
        THEN
            RAISE EXCEPTION 'an entry has 2 to 1000 legs, each with all its parts' USING ERRCODE = 'SL005';
        END IF;
        PERFORM ledger.open_accounts(p_kinds, p_owners, p_refs, p_currencies);
    END LOOP;

    -- Now that the wallets are locked, whoever freezes them later waits, and who froze them before is seen.
    IF 'wallet' = ANY (p_kinds) THEN
        PERFORM ledger.refuse_frozen(p_flow, p_kinds, p_owners, p_amounts);
    END IF;
END $$;
-- +goose StatementEnd
RESET ROLE;

-- +goose Down
-- The functions stay: they refuse what those before them did.
SET ROLE souk_ledger;
ALTER TABLE ledger.entry ADD CONSTRAINT entry_reverses_fkey FOREIGN KEY (reverses) REFERENCES ledger.entry (id);
ALTER TABLE ledger.balance ADD CONSTRAINT balance_account_id_fkey FOREIGN KEY (account_id) REFERENCES ledger.account (id);
RESET ROLE;
