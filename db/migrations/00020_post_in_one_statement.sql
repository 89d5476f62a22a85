-- post() with the guarantees of before, in fewer steps. docs/ledger.md, "What it costs", tells what each part costs.

-- +goose Up
SET ROLE souk_ledger;

-- As in 00003. What comes nearly always, one entry in one currency that is in order, is seen to be so in one pass;
-- anything else is looked at entry by entry.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger.check_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sound boolean;
    n     record;
BEGIN
    SELECT s.sound AND s.legs = (SELECT count(*) FROM ledger.posting p WHERE p.entry_id = s.id)
           AND (SELECT e.xid = pg_current_xact_id() AND e.reverses IS NULL FROM ledger.entry e WHERE e.id = s.id)
    INTO sound
    FROM (SELECT min(a.entry_id) AS id, count(*) AS legs,
                 min(a.entry_id) = max(a.entry_id) AND min(a.currency) = max(a.currency) AND sum(a.amount) = 0
                 AND count(*) BETWEEN 2 AND 1000
                 AND bool_and(a.xid = pg_current_xact_id() AND a.currency IS NOT DISTINCT FROM (
                     SELECT o.currency FROM ledger.account o WHERE o.id = a.account_id)) AS sound
          FROM added a) s;
    IF sound THEN
        RETURN NULL;
    END IF;

    FOR n IN
        SELECT s.entry_id AS id, e.reverses, s.legs, s.unbalanced, s.stray,
               e.xid = pg_current_xact_id() AND s.ours
               AND s.legs = (SELECT count(*) FROM ledger.posting p WHERE p.entry_id = s.entry_id) AS fresh
        FROM (SELECT c.entry_id, sum(c.legs) AS legs, bool_and(c.ours) AS ours, min(c.stray) AS stray,
                     min(c.currency) FILTER (WHERE c.total <> 0) AS unbalanced
              FROM (SELECT a.entry_id, a.currency, sum(a.amount) AS total, count(*) AS legs,
                           bool_and(a.xid = pg_current_xact_id()) AS ours,
                           min(a.account_id) FILTER (WHERE a.currency IS DISTINCT FROM (
                               SELECT o.currency FROM ledger.account o WHERE o.id = a.account_id)) AS stray
                    FROM added a GROUP BY a.entry_id, a.currency) c
              GROUP BY c.entry_id) s
        LEFT JOIN LATERAL (SELECT reverses, xid FROM ledger.entry WHERE id = s.entry_id OFFSET 0) e ON true
    LOOP
        IF n.fresh IS NOT TRUE THEN
            RAISE EXCEPTION 'entry % is closed or does not exist: postings come with their entry, in one statement', n.id USING ERRCODE = 'SL006';
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
        IF n.reverses IS NOT NULL AND EXISTS (
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

-- As in 00016, in one statement. Posts one entry, all of it or nothing. To be called last in its transaction.
-- The same key with the same hash answers the first entry; with another hash it is refused.
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
    legs     int := cardinality(p_amounts);
    known    bytea;
    missing  boolean; -- an account is not there, so that nothing is posted yet
    stopped  bigint;  -- the first account that would leave its limits
    broken   record;
BEGIN
    IF legs IS NULL OR legs NOT BETWEEN 2 AND 1000 OR cardinality(p_kinds) <> legs OR cardinality(p_owners) <> legs
       OR cardinality(p_refs) <> legs OR cardinality(p_currencies) <> legs
    THEN
        RAISE EXCEPTION 'an entry has 2 to 1000 legs, each with all its parts' USING ERRCODE = 'SL005';
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

    -- One statement finds the accounts, locks their balances, moves them and posts. The locks are taken in account
    -- order, because the look-ups of balances follow the sorted accounts one by one; the balance that comes with the lock is
    -- the newest, and what is written is made from it. While an account is missing nothing is locked or written: who
    -- waits for an account that another makes must hold no balance that the other may want. The one row that is
    -- answered is the first leg with which something is wrong.
    LOOP
        WITH leg AS MATERIALIZED (
            SELECT l.*, b.balance + l.amount AS balance, b.seq + 1 AS seq
            FROM (SELECT a.id, a.floor, a.ceiling, n.currency, n.amount, count(a.id) OVER () = legs AS all_open
                  FROM unnest(p_kinds, p_owners, p_refs, p_currencies, p_amounts) AS n (kind, owner, ref, currency, amount)
                  LEFT JOIN LATERAL (SELECT * FROM ledger.account
                      WHERE owner = n.owner AND kind = n.kind AND currency = n.currency AND ref = n.ref OFFSET 0) a ON true
                  ORDER BY a.id) l
            LEFT JOIN LATERAL (SELECT * FROM ledger.balance WHERE account_id = l.id AND l.all_open FOR UPDATE) b ON true
        ), moved AS (
            UPDATE ledger.balance b SET balance = l.balance, seq = l.seq FROM leg l
            WHERE b.account_id = l.id AND b.account_id = ANY (ARRAY (SELECT id FROM leg WHERE seq IS NOT NULL))
        ), posted AS (
            INSERT INTO ledger.posting (entry_id, account_id, currency, amount, seq, balance)
            SELECT post.entry_id, l.id, l.currency, l.amount, l.seq, l.balance FROM leg l WHERE l.all_open
        )
        SELECT l.id, NOT l.all_open INTO stopped, missing FROM leg l
        WHERE NOT l.all_open OR l.balance < l.floor OR l.balance > l.ceiling;
        EXIT WHEN missing IS NOT TRUE;
        PERFORM ledger.open_accounts(p_kinds, p_owners, p_refs, p_currencies);
    END LOOP;

    -- Now that the wallets are locked, whoever freezes them later waits, and who froze them before is seen.
    IF 'wallet' = ANY (p_kinds) THEN
        PERFORM ledger.refuse_frozen(p_flow, p_kinds, p_owners, p_amounts);
    END IF;

    IF stopped IS NOT NULL THEN
        SELECT a.*, p.balance - p.amount AS had, p.amount, p.balance < a.floor IS TRUE AS below INTO broken
        FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id
        WHERE p.entry_id = post.entry_id AND p.account_id = stopped;
        RAISE EXCEPTION 'account % may not go %', broken.id, CASE WHEN broken.below THEN 'below its floor' ELSE 'above its ceiling' END
        USING ERRCODE = CASE WHEN broken.below THEN 'SL002' ELSE 'SL003' END,
              DETAIL = jsonb_build_object(
                  'kind', broken.kind, 'owner', broken.owner, 'ref', broken.ref, 'currency', broken.currency,
                  'balance', broken.had, 'amount', broken.amount, 'floor', broken.floor, 'ceiling', broken.ceiling);
    END IF;
END $$;
-- +goose StatementEnd
DROP FUNCTION IF EXISTS ledger.resolve; -- nobody calls it now
RESET ROLE;

-- +goose Down
-- The functions stay: they refuse and answer what those before them did.
SELECT 1;
