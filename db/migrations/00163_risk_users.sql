-- How many others share a card, a place, an address or a device: by as many rows as that takes. See docs/risk.md.

-- +goose Up
CREATE INDEX order_payment_failed ON order_payment (user_id, created_at) WHERE status = 'FAILED';
CREATE INDEX order_payment_card_failed ON order_payment (card_id, created_at) WHERE status = 'FAILED' AND card_id IS NOT NULL;

-- risk_users counts, for each sign in turn, the others who had it in the last seconds, up to enough of them; of its newest thousand looks. A sign that is null,
-- or of which nothing is enough, has none. Its rows come in the order of their index, whatever PostgreSQL believes that a sort of all of them would cost.
-- +goose StatementBegin
CREATE FUNCTION risk_users(p_user uuid, p_fingerprint text, p_place bytea, p_client inet, p_device bytea, p_enough bigint[], p_seconds float8[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    counts bigint[] := '{}';
    since timestamptz;
    looks refcursor;
    other uuid;
    others uuid[];
BEGIN
    FOR sign IN 1 .. 4 LOOP
        since := clock_timestamp() - make_interval(secs => p_seconds[sign]);
        others := '{}';
        IF p_enough[sign] > 0 AND (CASE sign WHEN 1 THEN p_fingerprint IS NOT NULL WHEN 2 THEN p_place IS NOT NULL WHEN 3 THEN p_client IS NOT NULL ELSE p_device IS NOT NULL END) THEN
            CASE sign
                WHEN 1 THEN OPEN looks FOR SELECT r.user_id FROM risk_check r WHERE r.fingerprint = p_fingerprint AND r.checked_at > since ORDER BY r.checked_at DESC;
                WHEN 2 THEN OPEN looks FOR SELECT r.user_id FROM risk_check r WHERE r.place = p_place AND r.checked_at > since ORDER BY r.checked_at DESC;
                WHEN 3 THEN OPEN looks FOR SELECT r.user_id FROM risk_check r WHERE r.client = p_client AND r.checked_at > since ORDER BY r.checked_at DESC;
                ELSE OPEN looks FOR SELECT r.user_id FROM risk_check r WHERE r.device = p_device AND r.checked_at > since ORDER BY r.checked_at DESC;
            END CASE;
            FOR looked IN 1 .. 1000 LOOP
                FETCH looks INTO other;
                EXIT WHEN NOT FOUND;
                CONTINUE WHEN other = p_user OR other = ANY (others);
                others := others || other;
                EXIT WHEN cardinality(others) >= p_enough[sign];
            END LOOP;
            CLOSE looks;
        END IF;
        counts := counts || cardinality(others)::bigint;
    END LOOP;
    RETURN counts;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION risk_users(uuid, text, bytea, inet, bytea, bigint[], float8[]);
DROP INDEX order_payment_failed, order_payment_card_failed;
