-- +goose Up
-- Roles belong to the whole cluster, databases are many: each database's migration finds the roles
-- there or makes them, and two that run at once in two databases must not fail on each other.
--
-- souk_ledger owns the ledger; nobody logs in as it. souk_app is what servers are granted.
-- +goose StatementBegin
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['souk_ledger', 'souk_app'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database's migration was faster
        END;
    END LOOP;
END
$$;
-- +goose StatementEnd

-- Only a member may create what souk_ledger owns; a superuser needs no membership.
-- +goose StatementBegin
DO $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
       AND NOT pg_has_role(current_user, 'souk_ledger', 'MEMBER') THEN
        EXECUTE format('GRANT souk_ledger TO %I', current_user);
    END IF;
EXCEPTION
    WHEN unique_violation THEN NULL;
    WHEN internal_error THEN -- "tuple concurrently updated"
        IF NOT pg_has_role(current_user, 'souk_ledger', 'MEMBER') THEN
            RAISE;
        END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- The roles stay: other databases of the cluster use them.
SELECT 1;
