-- The guarantees of before for less. docs/ledger.md, "What it costs", tells what each part costs.

-- +goose Up
SET ROLE souk_ledger;

-- As in 00028, in fewer functions: each one costs PostgreSQL a question after rights in every statement. The two names are
-- looked at together; neither may have the space between them.
CREATE OR REPLACE FUNCTION ledger.is_entry(key text, request_hash bytea, flow text, cause_kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT key <> '' AND length(key) <= 200 AND octet_length(request_hash) = 32
       AND length(flow) <= 40 AND length(cause_kind) <= 40
       AND flow || ' ' || cause_kind ~ '^[a-z_][a-z_]+ [a-z_][a-z_]+$'
$$;

-- As in 00028. That nothing else was appended to the entry is asked by looking for one posting more than the statement brought,
-- which is also how a leg too many is found.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger.check_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sound boolean;
    n     record;
BEGIN
    SELECT e.xid = pg_current_xact_id() AND e.reverses IS NULL AND ledger.is_entry(e.key, e.request_hash, e.flow, e.cause_kind)
       AND (SELECT bool_and(a.entry_id = f.entry_id AND a.currency = f.currency AND a.xid = pg_current_xact_id()
                            AND ledger.is_leg(a.amount, a.seq, a.balance)
                            AND a.currency IS NOT DISTINCT FROM (SELECT o.currency FROM ledger.account o WHERE o.id = a.account_id))
                   AND sum(a.amount) = 0
                   AND (SELECT true FROM ledger.posting p WHERE p.entry_id = f.entry_id
                        OFFSET LEAST(count(a.entry_id), 1000) LIMIT 1) IS NULL
            FROM added a)
    INTO sound
    FROM (SELECT entry_id, currency FROM added LIMIT 1) f
    CROSS JOIN LATERAL (SELECT * FROM ledger.entry WHERE id = f.entry_id OFFSET 0) e;
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

-- Refuses a balance that an entry would leave outside its account's limits. It is called in the middle of the entry, before the
-- trigger has seen it: what is wrong with the entry itself is the first reason, a frozen wallet the next.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger.refuse_balance(
    p_account bigint, p_balance bigint, p_amount bigint,
    p_flow text, p_kinds text[], p_owners uuid[], p_currencies text[], p_amounts bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    a      ledger.account;
    below  boolean;
    uneven text := (SELECT min(u.currency) FROM (SELECT l.currency FROM unnest(p_currencies, p_amounts) AS l (currency, amount)
                                                 GROUP BY l.currency HAVING sum(l.amount) <> 0) u);
BEGIN
    IF uneven IS NOT NULL THEN
        RAISE EXCEPTION 'the entry does not sum to zero in %', uneven USING ERRCODE = 'SL004';
    END IF;
    PERFORM ledger.refuse_frozen(p_flow, p_kinds, p_owners, p_amounts);
    SELECT * INTO a FROM ledger.account WHERE id = p_account;
    below := p_balance < a.floor IS TRUE;
    RAISE EXCEPTION 'account % may not go %', a.id, CASE WHEN below THEN 'below its floor' ELSE 'above its ceiling' END
    USING ERRCODE = CASE WHEN below THEN 'SL002' ELSE 'SL003' END,
          DETAIL = jsonb_build_object(
              'kind', a.kind, 'owner', a.owner, 'ref', a.ref, 'currency', a.currency,
              'balance', p_balance::numeric - p_amount, 'amount', p_amount, 'floor', a.floor, 'ceiling', a.ceiling);
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION ledger.refuse_balance FROM PUBLIC;

-- As in 00020, and a balance is locked and moved at once. Posts one entry, all of it or nothing. To be called last in its
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
               CASE WHEN m.balance < l.floor OR m.balance > l.ceiling
                   THEN ledger.refuse_balance(l.id, m.balance, l.amount, p_flow, p_kinds, p_owners, p_currencies, p_amounts)
                   ELSE m.balance END
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
-- The functions stay: they refuse and answer what those before them did.
SELECT 1;
